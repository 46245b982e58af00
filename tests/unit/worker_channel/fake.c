/* The fake connection of fake.h, with stand-ins for what transport and main loop give to authentication and channels. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "worker/ssh_numbers.h"

/* Which fake a connection is in: the stand-ins get only the connection. */
static struct fake *fake_of(const struct connection *c)
{
    struct fake *fake;
    memcpy(&fake, c->transport.session_id, sizeof fake);
    return fake;
}

/* ---- stand-ins -------------------------------------------------------------------------------------------------- */

static void frame_keep(struct fake *fake)
{
    if (fake->discard)
        return;
    fake->frames = realloc(fake->frames, (fake->frame_count + 1) * sizeof *fake->frames);
    struct frame *frame = &fake->frames[fake->frame_count++];
    *frame = (struct frame){.number = fake->out_bytes[0], .size = fake->out.size - 1};
    frame->bytes = malloc(frame->size + 1);
    memcpy(frame->bytes, fake->out_bytes + 1, frame->size);
}

struct sp_out *packet_begin(struct connection *c, uint8_t number)
{
    struct fake *fake = fake_of(c);
    fake->out = (struct sp_out){.data = fake->out_bytes, .capacity = PACKET_PAYLOAD_MAX};
    sp_put_u8(&fake->out, number);
    return &fake->out;
}

int packet_end(struct connection *c)
{
    struct fake *fake = fake_of(c);
    if (fake->out.full)
        return -EMSGSIZE;
    frame_keep(fake);
    return 0;
}

bool packet_may_send_data(const struct connection *c)
{
    const struct fake *fake = fake_of(c);
    return !fake->data_blocked && (fake->data_budget == 0 || fake->data_sent < fake->data_budget);
}

uint8_t *packet_data_begin(struct connection *c, uint32_t peer_channel, uint32_t stream, size_t most,
                           size_t *room)
{
    struct sp_out *out = packet_begin(c, stream ? SSH_MSG_CHANNEL_EXTENDED_DATA : SSH_MSG_CHANNEL_DATA);
    sp_put_u32(out, peer_channel);
    if (stream)
        sp_put_u32(out, stream);
    *room = size_min(most, PACKET_DATA_MAX);
    return out->data + out->size + 4;
}

int packet_data_commit(struct connection *c, size_t size)
{
    struct fake *fake = fake_of(c);
    if (size == 0)
        return 0;
    sp_put_u32(&fake->out, (uint32_t)size);
    fake->out.size += size;
    fake->data_sent += size;
    frame_keep(fake);
    return 0;
}

int connection_fail(struct connection *c, enum ssh_disconnect reason, const char *format, ...)
{
    va_list args;
    if (c->ending)
        return WORKER_E_END;
    c->ending = true;
    c->end_reason = reason;
    va_start(args, format);
    vsnprintf(c->end_text, sizeof c->end_text, format, args);
    va_end(args);
    return WORKER_E_END;
}

void connection_move(struct connection *c, enum ipc_phase phase)
{
    c->phase = phase;
}

int transport_ext_info_in_auth(struct connection *c)
{
    c->transport.ext_info_seen = true; /* that it was called */
    return 0;
}

int compression_begin(struct connection *c)
{
    struct fake *fake;
    memcpy(&fake, c->transport.session_id, sizeof fake);
    fake->compression_begun++;
    fake->compression_from = fake->frame_count;
    return 0;
}

/* ---- a connection -------------------------------------------------------------------------------------------------- */

struct fake *fake_new(void)
{
    int fds[2];
    struct fake *fake = calloc(1, sizeof *fake);
    struct connection *c = fake->c = calloc(1, sizeof *c);
    signal(SIGPIPE, SIG_IGN);
    memcpy(c->transport.session_id, &fake, sizeof fake);
    memcpy(c->transport.v_c, "SSH-2.0-OpenSSH_9.9", 19);
    c->transport.v_c_size = 19;
    c->log = (struct log){.program = "test", .level = LOG_LEVEL_ERROR};
    c->inbox = calloc(1, sizeof *c->inbox);
    fake->inbox = calloc(1, sizeof *fake->inbox);
    c->phase = PHASE_READY;
    c->auth.offered = true;
    if (link_pair(fds))
        abort();
    link_init(&c->monitor, fds[0], ROLE_WORKER, ROLE_MONITOR);
    link_init(&fake->monitor, fds[1], ROLE_MONITOR, ROLE_WORKER);
    return fake;
}

void fake_free(struct fake *fake)
{
    struct connection *c = fake->c;
    channels_close_all(c);
    auth_free(&c->auth);
    hostkeys_forget_keys(&c->hostkeys);
    link_close(&c->session);
    link_close(&c->monitor);
    link_inbox_wipe(c->inbox);
    free(c->inbox);
    free(c);
    link_close(&fake->session);
    link_close(&fake->monitor);
    link_inbox_wipe(fake->inbox);
    free(fake->inbox);
    for (size_t i = 0; i < fake->frame_count; i++)
        free(fake->frames[i].bytes);
    free(fake->frames);
    free(fake);
}

int fake_setup(void **state)
{
    *state = fake_new();
    return 0;
}

int fake_teardown(void **state)
{
    fake_free(*state);
    return 0;
}

void fake_connect_session(struct fake *fake)
{
    int fds[2];
    if (link_pair(fds))
        abort();
    link_init(&fake->session, fds[1], ROLE_SESSION, ROLE_WORKER);
    link_init(&fake->c->session, fds[0], ROLE_WORKER, ROLE_SESSION);
}

void fake_log_in(struct fake *fake, uint32_t channels)
{
    fake_connect_session(fake);
    fake->c->phase = PHASE_LOGIN;
    if (channels_open_table(fake->c, channels))
        abort();
}

/* ---- the client ------------------------------------------------------------------------------------------------------ */

struct sp_out *fake_message(struct fake *fake)
{
    fake->in = (struct sp_out){.data = fake->message, .capacity = sizeof fake->message};
    return &fake->in;
}

struct handler_row {
    unsigned phases;
    int (*handler)(struct connection *c, struct sp_in *in);
};

static struct handler_row handler_of(uint8_t number)
{
    switch (number) {
#define HANDLER(number_, handler_, phases_)                                                                  \
    case number_:                                                                                            \
        return (struct handler_row){(phases_), (handler_)};
        HANDLER(50, on_ssh_userauth_request, PHASE_READY | PHASE_AUTH | PHASE_LOGIN)
        HANDLER(61, on_ssh_userauth_info_response, PHASE_AUTH)
        HANDLER(80, on_ssh_global_request, PHASE_LOGIN)
        HANDLER(81, on_ssh_request_reply, PHASE_LOGIN)
        HANDLER(82, on_ssh_request_reply, PHASE_LOGIN)
        HANDLER(90, on_ssh_channel_open, PHASE_LOGIN)
        HANDLER(93, on_ssh_channel_window_adjust, PHASE_LOGIN)
        HANDLER(94, on_ssh_channel_data, PHASE_LOGIN)
        HANDLER(95, on_ssh_channel_extended_data, PHASE_LOGIN)
        HANDLER(96, on_ssh_channel_eof, PHASE_LOGIN)
        HANDLER(97, on_ssh_channel_close, PHASE_LOGIN)
        HANDLER(98, on_ssh_channel_request, PHASE_LOGIN)
        HANDLER(99, on_ssh_channel_reply, PHASE_LOGIN)
        HANDLER(100, on_ssh_channel_reply, PHASE_LOGIN)
    default:
        return (struct handler_row){0};
    }
}

/* From a copy of exactly its size, so that a sanitizer sees what a handler reads beyond it. */
int fake_deliver_span(struct fake *fake, uint8_t number, struct sp_span payload)
{
    struct handler_row row = handler_of(number);
    if (!row.handler || !(row.phases & fake->c->phase))
        return FAKE_E_PHASE;
    uint8_t *copy = malloc(payload.size ? payload.size : 1);
    if (payload.size)
        memcpy(copy, payload.data, payload.size);
    struct sp_in in = sp_in_of(sp_span_of(copy, payload.size));
    int r = row.handler(fake->c, &in);
    free(copy);
    return r;
}

int fake_deliver(struct fake *fake, uint8_t number)
{
    return fake_deliver_span(fake, number, sp_written(&fake->in));
}

int fake_turn(struct fake *fake)
{
    static struct pollfd polls[CHANNELS_POLL_MAX];
    size_t count = channels_poll_fill(fake->c, polls, CHANNELS_POLL_MAX);
    if (poll(polls, count, 0) < 0)
        return -errno;
    return channels_poll_dispatch(fake->c, polls, count);
}

struct sp_in fake_expect(struct fake *fake, uint8_t number)
{
    if (fake->frame_next == fake->frame_count)
        fail_msg("message %u was expected, none was sent", number);
    struct frame *frame = &fake->frames[fake->frame_next++];
    assert_int_equal(frame->number, number);
    return sp_in_of(sp_span_of(frame->bytes, frame->size));
}

void fake_expect_nothing(struct fake *fake)
{
    if (fake->frame_next != fake->frame_count)
        fail_msg("message %u was sent", fake->frames[fake->frame_next].number);
}

const union msg_body *fake_asked(struct fake *fake, struct link *link, enum msg_number number)
{
    bool before_login = fake->c->phase != PHASE_LOGIN;
    unsigned phase = link->self == ROLE_MONITOR && before_login ? PHASE_READY : fake->c->phase;
    assert_int_equal(link_receive(link, phase, fake->inbox), 0);
    assert_int_equal(fake->inbox->row->number, number);
    return &fake->inbox->body;
}

void fake_asked_nothing(struct fake *fake, struct link *link)
{
    assert_int_equal(link_receive(link, PHASE_ANY, fake->inbox), LINK_E_AGAIN);
}

/* ---- channels -------------------------------------------------------------------------------------------------------- */

uint32_t fake_open(struct fake *fake, uint32_t peer_number, uint32_t window, uint32_t packet_max)
{
    struct sp_out *out = fake_message(fake);
    sp_put_text(out, "session");
    sp_put_u32(out, peer_number);
    sp_put_u32(out, window);
    sp_put_u32(out, packet_max);
    assert_int_equal(fake_deliver(fake, 90), 0);
    struct sp_in in = fake_expect(fake, 91);
    assert_int_equal(sp_get_u32(&in), peer_number);
    uint32_t channel = sp_get_u32(&in);
    assert_int_equal(sp_get_u32(&in), CHANNEL_WINDOW_FIRST);
    assert_int_equal(sp_get_u32(&in), PACKET_DATA_MAX);
    assert_int_equal(sp_get_end(&in), 0);
    return channel;
}

int fake_request(struct fake *fake, uint32_t channel, const char *type, bool want, struct sp_span fields)
{
    struct sp_out *out = fake_message(fake);
    sp_put_u32(out, channel);
    sp_put_text(out, type);
    sp_put_bool(out, want);
    sp_put_raw(out, fields);
    return fake_deliver(fake, 98);
}

int fake_data(struct fake *fake, uint32_t channel, struct sp_span data)
{
    struct sp_out *out = fake_message(fake);
    sp_put_u32(out, channel);
    sp_put_string(out, data);
    return fake_deliver(fake, 94);
}

int fake_bare(struct fake *fake, uint8_t number, uint32_t channel)
{
    sp_put_u32(fake_message(fake), channel);
    return fake_deliver(fake, number);
}

struct program fake_program(struct fake *fake, uint32_t window, uint64_t serial)
{
    int in[2], out[2], err[2];
    static const uint8_t command[] = {0, 0, 0, 1, 'x'};
    uint32_t channel = fake_open(fake, 70, window, PACKET_DATA_MAX);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
    assert_int_equal(fake_request(fake, channel, "exec", false, sp_span_of(command, sizeof command)), 0);
    fake_asked(fake, &fake->session, MSG_channel_run);
    const int fds[] = {in[1], out[0], err[0]};
    assert_int_equal(
        link_send_with(&fake->session, fds, 3, channel_started, .channel = channel, .serial = serial), 0);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    assert_int_equal(on_session_message(fake->c), 0);
    fd_set_nonblocking(in[0]);
    return (struct program){.channel = channel, .input = in[0], .output = out[1], .error = err[1]};
}

struct program fake_terminal(struct fake *fake, uint32_t window, uint64_t serial)
{
    static const uint8_t command[] = {0, 0, 0, 1, 'x'};
    uint8_t bytes[64];
    struct sp_out pty = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&pty, "vt100");
    for (uint32_t i = 0; i < 4; i++)
        sp_put_u32(&pty, 80 + i);
    sp_put_text(&pty, "");
    uint32_t channel = fake_open(fake, 71, window, PACKET_DATA_MAX);
    assert_int_equal(fake_request(fake, channel, "pty-req", false, sp_written(&pty)), 0);
    fake_asked(fake, &fake->session, MSG_channel_pty);
    assert_int_equal(fake_answer(fake, channel_done, .channel = channel, .ok = true), 0);
    assert_int_equal(fake_request(fake, channel, "exec", false, sp_span_of(command, sizeof command)), 0);
    fake_asked(fake, &fake->session, MSG_channel_run);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int far = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(far >= 0);
    assert_int_equal(
        link_send_with(&fake->session, &master, 1, channel_started_tty, .channel = channel, .serial = serial),
        0);
    close(master);
    assert_int_equal(on_session_message(fake->c), 0);
    return (struct program){.channel = channel, .input = far, .output = far, .error = far};
}

void program_close(struct program *program)
{
    int fds[] = {program->input, program->output, program->error};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0 && (i == 0 || fds[i] != fds[0]))
            close(fds[i]);
    *program = (struct program){.input = -1, .output = -1, .error = -1};
}
