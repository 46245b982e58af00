/*
 * Programs (RFC 4254 sections 6.5 and 6.10). Input: channel_started, _started_tty, _done and _exited of the login process,
 * the first two with descriptors. Output: replies, exit-status and exit-signal, and descriptors for the pump.
 *
 * Answers come in the order of the requests. An answer for a channel that has been closed in the meantime is taken for
 * the account and otherwise dropped: its descriptors are closed, which is how the program learns.
 */
#include "worker/channel_program.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "base/fd.h"
#include "worker/channel_input.h"
#include "worker/channel_request.h"
#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

static int breach(struct connection *c)
{
    log_say(&c->log, LOG_LEVEL_ERROR, "session_broken", "the login process answered what was not asked");
    return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
}

/* The channel that an answer is for: it owes one about `subject`. */
static struct channel *channel_expecting(struct connection *c, uint32_t number, enum channel_subject *subject)
{
    struct channel *ch = number < c->channels.most ? &c->channels.table[number] : NULL;
    return ch && ch->used && channel_reply_expects(ch, subject) ? ch : NULL;
}

void channel_resize(struct channel *ch)
{
    const struct winsize size = {
        .ws_row = ch->rows,
        .ws_col = ch->columns,
        .ws_xpixel = ch->width_px,
        .ws_ypixel = ch->height_px,
    };
    int fd = ch->output.fd >= 0 ? ch->output.fd : ch->input.fd;
    if (!ch->size_waits || !ch->terminal || fd < 0)
        return;
    ch->size_waits = false;
    ioctl(fd, TIOCSWINSZ, &size); /* a terminal that is just gone needs no size */
}

/* ---- started ---------------------------------------------------------------------------------------------------- */

/* The worker's ends are of open file descriptions that no program shares, so non-blocking is ours to set. */
static void stream_take(struct channel_stream *stream, int fd)
{
    fd_set_nonblocking(fd);
    *stream = (struct channel_stream){.fd = fd, .poll_at = -1};
}

static void streams_take(struct connection *c, struct channel *ch)
{
    stream_take(&ch->input, link_take_fd(c->inbox, 0));
    if (ch->terminal) {
        ch->output = ch->input;
        return;
    }
    stream_take(&ch->output, link_take_fd(c->inbox, 1));
    stream_take(&ch->error, link_take_fd(c->inbox, 2));
}

static void program_log(struct connection *c, const struct channel *ch)
{
    static const char *const kinds[] = {
        [PROGRAM_SHELL] = "started a shell",
        [PROGRAM_EXEC] = "started a command",
        [PROGRAM_SUBSYSTEM] = "started a subsystem",
    };
    channel_log(c, ch, kinds[ch->kind]);
}

static int program_begin(struct connection *c, struct channel *ch)
{
    streams_take(c, ch);
    program_log(c, ch);
    channel_resize(ch);
    if (ch->close_received) { /* but what the client sent before it is still owed to the program */
        channel_stream_close(ch, &ch->output);
        channel_stream_close(ch, &ch->error);
    }
    return channel_input_flush(c, ch);
}

static int program_started(struct connection *c, uint32_t number, uint64_t serial, bool terminal)
{
    enum channel_subject subject;
    struct channel *ch = channel_expecting(c, number, &subject);
    if (!ch || subject != CHANNEL_ABOUT_RUN || (terminal && !ch->pty_asked))
        return breach(c);
    int r = channel_reply_answer(c, ch, true);
    if (r)
        return r;
    if (!ch->close_sent) {
        ch->started = true;
        ch->terminal = terminal;
        ch->serial = serial;
        r = program_begin(c, ch);
    }
    return r ? r : channel_settle(c, ch);
}

static int on_started(struct connection *c, const union msg_body *body)
{
    return program_started(c, body->channel_started.channel, body->channel_started.serial, false);
}

static int on_started_tty(struct connection *c, const union msg_body *body)
{
    return program_started(c, body->channel_started_tty.channel, body->channel_started_tty.serial, true);
}

/* ---- done --------------------------------------------------------------------------------------------------------- */

static int on_done(struct connection *c, const union msg_body *body)
{
    const struct msg_channel_done *done = &body->channel_done;
    enum channel_subject subject;
    struct channel *ch = channel_expecting(c, done->channel, &subject);
    if (!ch || (subject == CHANNEL_ABOUT_RUN && done->ok))
        return breach(c);
    /* What was refused may be asked for again. */
    if (subject == CHANNEL_ABOUT_RUN)
        ch->run_asked = false;
    if (subject == CHANNEL_ABOUT_PTY && !done->ok)
        ch->pty_asked = false;
    int r = channel_reply_answer(c, ch, done->ok);
    return r ? r : channel_settle(c, ch);
}

/* ---- exited ------------------------------------------------------------------------------------------------------- */

static struct sp_out *request_begin(struct connection *c, const struct channel *ch, const char *type)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_REQUEST);
    sp_put_u32(out, ch->peer_number);
    sp_put_text(out, type);
    sp_put_bool(out, false); /* want reply */
    return out;
}

static int exit_send(struct connection *c, const struct channel *ch, const struct msg_channel_exited *exited)
{
    if (exited->signal.size == 0) {
        sp_put_u32(request_begin(c, ch, "exit-status"), exited->status);
        return packet_end(c);
    }
    struct sp_out *out = request_begin(c, ch, "exit-signal");
    sp_put_string(out, exited->signal);
    sp_put_bool(out, exited->core_dumped);
    sp_put_text(out, ""); /* error message */
    sp_put_text(out, ""); /* language tag */
    return packet_end(c);
}

/* As with OpenSSH the status is told at once, and what the program has left in its pipes follows. */
static int on_exited(struct connection *c, const union msg_body *body)
{
    const struct msg_channel_exited *exited = &body->channel_exited;
    struct channel *ch = exited->channel < c->channels.most ? &c->channels.table[exited->channel] : NULL;
    /* Of a program whose channel is gone, or whose number is another's by now. */
    if (!ch || !ch->started || ch->serial != exited->serial || ch->exited)
        return 0;
    ch->exited = true;
    int r = ch->close_sent ? 0 : exit_send(c, ch, exited);
    if (!r)
        r = channel_input_fail(c, ch);
    return r ? r : channel_settle(c, ch);
}

struct answer_row {
    enum msg_number number;
    int (*handle)(struct connection *c, const union msg_body *body);
};

static const struct answer_row rows[] = {
    {MSG_channel_done, on_done},
    {MSG_channel_started, on_started},
    {MSG_channel_started_tty, on_started_tty},
    {MSG_channel_exited, on_exited},
};

int channel_on_answer(struct connection *c, unsigned number, const union msg_body *body)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].number == number)
            return rows[i].handle(c, body);
    return breach(c);
}
