/*
 * Channels between a hostile client, programs that do as they please, and a login process that answers what it was
 * asked in order. The input is a list of `octet step ‖ string what`. Besides memory errors it looks for broken promises:
 * windows and queues over their bounds, replies that nobody asked for, anything sent on a channel after its CLOSE, data
 * beyond what the client has granted, descriptors kept by a closed channel.
 */
#include "../unit/worker_channel/fake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "worker/ssh_numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANNELS 4u
#define FAR_ENDS_MAX 64u

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* What the client knows of a channel of ours, by our number. */
struct view {
    bool open, closed; /* our CLOSE has come */
    uint32_t peer_number;
    uint64_t granted, had; /* octets of data */
    uint32_t wanted, replies;
};

struct story {
    struct fake *fake;
    struct view views[CHANNELS];
    int ends[FAR_ENDS_MAX];
    size_t end_count;
    uint64_t serial;
};

/* ---- the client: numbers of ours are used as its own too, which keeps the views simple --------------------------------- */

static int client_opens(struct story *s, struct sp_in *in)
{
    struct sp_out *out = fake_message(s->fake);
    uint32_t window = sp_get_u16(in), packet_max = sp_get_u16(in), number = 0;
    while (number < CHANNELS && s->fake->c->channels.table[number].used)
        number++;
    sp_put_text(out, "session");
    sp_put_u32(out, number);
    sp_put_u32(out, window);
    sp_put_u32(out, packet_max);
    if (number < CHANNELS)
        s->views[number] = (struct view){.peer_number = number, .granted = window};
    return fake_deliver(s->fake, SSH_MSG_CHANNEL_OPEN);
}

static const char *const types[] = {"env",
                                    "pty-req",
                                    "shell",
                                    "exec",
                                    "subsystem",
                                    "window-change",
                                    "signal",
                                    "break",
                                    "x11-req",
                                    "eow@openssh.com",
                                    "keepalive@openssh.com"};

static int client_requests(struct story *s, struct sp_in *in)
{
    uint32_t number = sp_get_u8(in) % CHANNELS;
    const char *type = types[sp_get_u8(in) % ARRAY_SIZE(types)];
    bool want = sp_get_bool(in);
    struct channel *ch = channel_find(s->fake->c, number);
    if (in->bad || !ch)
        return 0;
    s->views[number].wanted += want;
    return fake_request(s->fake, number, type, want, sp_span_of(in->at, in->left));
}

static int client_sends(struct story *s, struct sp_in *in)
{
    uint32_t number = sp_get_u8(in) % CHANNELS;
    return in->bad || !channel_find(s->fake->c, number)
               ? 0
               : fake_data(s->fake, number, sp_span_of(in->at, in->left));
}

static int client_adjusts(struct story *s, struct sp_in *in)
{
    uint32_t number = sp_get_u8(in) % CHANNELS, more = sp_get_u32(in);
    struct sp_out *out = fake_message(s->fake);
    if (in->bad || !channel_find(s->fake->c, number))
        return 0;
    sp_put_u32(out, number);
    sp_put_u32(out, more);
    s->views[number].granted += more;
    return fake_deliver(s->fake, SSH_MSG_CHANNEL_WINDOW_ADJUST);
}

static int client_ends(struct story *s, struct sp_in *in)
{
    uint32_t number = sp_get_u8(in) % CHANNELS;
    uint8_t message = sp_get_bool(in) ? SSH_MSG_CHANNEL_CLOSE : SSH_MSG_CHANNEL_EOF;
    return in->bad || !channel_find(s->fake->c, number) ? 0 : fake_bare(s->fake, message, number);
}

/* Anything at all: the form is the handler's to check. Opens and adjusts would escape the views. */
static int client_says(struct story *s, struct sp_in *in)
{
    uint8_t number = sp_get_u8(in);
    bool followed = number != SSH_MSG_CHANNEL_OPEN && number != SSH_MSG_CHANNEL_WINDOW_ADJUST &&
                    number != SSH_MSG_CHANNEL_REQUEST;
    if (!followed)
        return 0;
    int r = fake_deliver_span(s->fake, number, sp_span_of(in->at, in->left));
    return r == FAKE_E_PHASE ? 0 : r;
}

/* ---- programs and the login process ------------------------------------------------------------------------------------- */

static int far_end(struct story *s, int fd)
{
    fd_set_nonblocking(fd);
    s->ends[s->end_count++] = fd;
    return fd;
}

static int answer_run(struct story *s, uint32_t number)
{
    int in[2], out[2], err[2];
    if (s->end_count + 3 > FAR_ENDS_MAX)
        return fake_answer(s->fake, channel_done, .channel = number);
    require(pipe(in) == 0 && pipe(out) == 0 && pipe(err) == 0);
    const int fds[] = {in[1], out[0], err[0]};
    int r =
        link_send_with(&s->fake->session, fds, 3, channel_started, .channel = number, .serial = ++s->serial);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    far_end(s, in[0]);
    far_end(s, out[1]);
    far_end(s, err[1]);
    return r ? 0 : on_session_message(s->fake->c);
}

static int answer_run_tty(struct story *s, uint32_t number)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || unlockpt(master) || s->end_count == FAR_ENDS_MAX) {
        if (master >= 0)
            close(master);
        return fake_answer(s->fake, channel_done, .channel = number);
    }
    int far = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    require(far >= 0);
    int r = link_send_with(&s->fake->session, &master, 1, channel_started_tty, .channel = number,
                           .serial = ++s->serial);
    close(master);
    far_end(s, far);
    return r ? 0 : on_session_message(s->fake->c);
}

/* The oldest question that is open on some channel, answered. */
static int session_answers(struct story *s, struct sp_in *in)
{
    struct fake *f = s->fake;
    uint8_t how = sp_get_u8(in);
    while (link_receive(&f->session, PHASE_LOGIN, f->inbox) == 0) {
        unsigned number = f->inbox->row->number;
        uint32_t channel = f->inbox->body.channel_gone.channel;
        bool run = number == MSG_channel_run, tty = f->c->channels.table[channel].pty_asked && (how & 2);
        if (number == MSG_channel_gone || number == MSG_channel_signal)
            continue;
        if (run && (how & 1))
            return tty ? answer_run_tty(s, channel) : answer_run(s, channel);
        return fake_answer(f, channel_done, .channel = channel, .ok = !run && (how & 1));
    }
    return 0;
}

static int program_exits(struct story *s, struct sp_in *in)
{
    uint32_t number = sp_get_u8(in) % CHANNELS;
    uint64_t serial = sp_get_bool(in) ? s->fake->c->channels.table[number].serial : s->serial;
    return fake_answer(s->fake, channel_exited, .channel = number, .serial = serial, .status = 1);
}

static int program_acts(struct story *s, struct sp_in *in)
{
    static uint8_t octets[70000];
    uint8_t which = sp_get_u8(in), act = sp_get_u8(in);
    size_t size = size_min(sp_get_u16(in) + 1u, sizeof octets);
    if (in->bad || s->end_count == 0)
        return 0;
    int *end = &s->ends[which % s->end_count];
    ssize_t n = 0;
    if (act % 4 == 0 && *end >= 0)
        close(TAKE_FD(*end));
    else if (act % 4 == 1)
        n = read(*end, octets, size);
    else
        n = write(*end, octets, size);
    return n > 70000 ? -1 : 0;
}

static int loop_turns(struct story *s, struct sp_in *in)
{
    s->fake->data_blocked = sp_get_u8(in) & 1;
    return fake_turn(s->fake);
}

/* ---- promises ---------------------------------------------------------------------------------------------------------------- */

static void check_channel(const struct channel *ch)
{
    require((uint64_t)ch->window + ch->queued <= ch->window_target);
    require(ch->window_target >= CHANNEL_WINDOW_FIRST && ch->window_target <= CHANNEL_WINDOW_MAX);
    require(ch->queue_capacity <= 2 * (size_t)CHANNEL_WINDOW_MAX && ch->queued <= ch->queue_capacity);
    require(ch->unanswered <= ch->reply_count);
    require(!ch->close_sent || (ch->input.fd < 0 && channel_output_is_over(ch) && !ch->queue));
    require(!(ch->close_sent && ch->close_received) || ch->unanswered != 0);
    require(!ch->started || ch->run_asked);
}

static void check_table(const struct channels *channels)
{
    uint64_t extra = 0, due = 0;
    for (uint32_t i = 0; i < channels->most; i++) {
        const struct channel *ch = &channels->table[i];
        if (!ch->used)
            continue;
        check_channel(ch);
        extra += ch->window_target - CHANNEL_WINDOW_FIRST;
        due += ch->reply_count;
    }
    require(extra == channels->window_extra && extra <= CHANNELS_WINDOW_MAX);
    require(due == channels->replies_due && due <= CHANNEL_REQUESTS_MAX);
}

static void check_frame(struct story *s, const struct frame *frame)
{
    struct sp_in in = sp_in_of(sp_span_of(frame->bytes, frame->size));
    if (frame->number == 81 || frame->number == 82 || frame->number == 92)
        return;
    uint32_t number = sp_get_u32(&in);
    require(frame->number >= 91 && frame->number <= 100 && number < CHANNELS);
    struct view *view = &s->views[number];
    if (frame->number == 91) {
        require(!view->open);
        view->open = true;
        return;
    }
    require(view->open && !view->closed);
    view->closed = frame->number == SSH_MSG_CHANNEL_CLOSE;
    view->replies += frame->number >= SSH_MSG_CHANNEL_SUCCESS;
    if (frame->number == SSH_MSG_CHANNEL_EXTENDED_DATA)
        require(sp_get_u32(&in) == 1);
    if (frame->number == SSH_MSG_CHANNEL_DATA || frame->number == SSH_MSG_CHANNEL_EXTENDED_DATA)
        view->had += sp_get_string(&in, PACKET_DATA_MAX).size;
    require(!in.bad && view->had <= view->granted && view->replies <= view->wanted);
}

static void check(struct story *s)
{
    struct fake *f = s->fake;
    check_table(&f->c->channels);
    for (; f->frame_next < f->frame_count; f->frame_next++)
        check_frame(s, &f->frames[f->frame_next]);
}

/* ------------------------------------------------------------------------------------------------------------------------------- */

static int (*const steps[])(struct story *s, struct sp_in *in) = {
    client_opens, client_requests, client_sends,  client_adjusts, client_ends,
    client_says,  session_answers, program_exits, program_acts,   loop_turns,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_in in = sp_in_of(sp_span_of(data, size));
    struct story story = {.fake = fake_new()};
    int r = 0;
    fake_log_in(story.fake, CHANNELS);
    while (in.left != 0 && r == 0) {
        uint8_t what = sp_get_u8(&in) % ARRAY_SIZE(steps);
        struct sp_in bytes = sp_in_of(sp_get_string(&in, PACKET_PAYLOAD_MAX - 64));
        if (in.bad)
            break;
        if (what < 6 && session_is_behind(story.fake->c))
            continue;
        r = steps[what](&story, &bytes);
        require(r == 0 || r == WORKER_E_END);
        require((r == WORKER_E_END) == story.fake->c->ending);
        if (r == 0)
            check(&story);
    }
    for (size_t i = 0; i < story.end_count; i++)
        if (story.ends[i] >= 0)
            close(story.ends[i]);
    fake_free(story.fake);
    return 0;
}
