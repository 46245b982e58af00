/*
 * CHANNEL_REQUEST (RFC 4254 sections 5.4 and 6, RFC 4335). Input: the client's requests. Output: channel_env, _pty, _run,
 * _signal and _break to the login process, window sizes to the terminal, and the replies in their order.
 *
 * A request is read to its end before anything happens. One that has the wrong form ends the connection; one that asks
 * for what cannot be (a second program, a value over its limit) is refused.
 */
#include "worker/channel_request.h"

#include "worker/channel_program.h"
#include "worker/connection.h"
#include "worker/on_session.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

/* What a handler of a request says, besides 0 (done, and well), -errno and WORKER_E_END. */
enum {
    REQUEST_E_REFUSED = 1,
    REQUEST_E_MALFORMED = 2,
    REQUEST_E_ASKED = 3, /* the login process will answer */
};

/* ---- replies in their order ------------------------------------------------------------------------------------ */

static struct channel_reply *reply_at(struct channel *ch, size_t n)
{
    return &ch->replies[(ch->reply_first + n) % CHANNEL_REQUESTS_MAX];
}

static int reply_send(struct connection *c, const struct channel *ch, bool ok)
{
    sp_put_u32(packet_begin(c, ok ? SSH_MSG_CHANNEL_SUCCESS : SSH_MSG_CHANNEL_FAILURE), ch->peer_number);
    return packet_end(c);
}

/* Sends the replies that nothing older holds back. After our CLOSE nothing is sent. */
static int replies_flush(struct connection *c, struct channel *ch)
{
    int r = 0;
    while (ch->reply_count != 0 && reply_at(ch, 0)->known && !r) {
        struct channel_reply reply = *reply_at(ch, 0);
        ch->reply_first = (uint16_t)((ch->reply_first + 1) % CHANNEL_REQUESTS_MAX);
        ch->reply_count--;
        c->channels.replies_due--;
        if (reply.want && !ch->close_sent)
            r = reply_send(c, ch, reply.ok);
    }
    return r;
}

/* The main loop stops dispatching at this bound (session_is_behind), which all channels share: no ring overflows. */
static int reply_add(struct connection *c, struct channel *ch, struct channel_reply reply)
{
    if (c->channels.replies_due >= CHANNEL_REQUESTS_MAX)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Too many channel requests at once");
    *reply_at(ch, ch->reply_count) = reply;
    ch->reply_count++;
    c->channels.replies_due++;
    return replies_flush(c, ch);
}

static struct channel_reply *reply_unknown(const struct channel *ch)
{
    struct channel *mutable = (struct channel *)(uintptr_t)ch;
    for (size_t i = 0; i < ch->reply_count; i++)
        if (!reply_at(mutable, i)->known)
            return reply_at(mutable, i);
    return NULL;
}

bool channel_reply_expects(const struct channel *ch, enum channel_subject *subject)
{
    const struct channel_reply *reply = reply_unknown(ch);
    if (reply)
        *subject = reply->about;
    return reply != NULL;
}

int channel_reply_answer(struct connection *c, struct channel *ch, bool ok)
{
    struct channel_reply *reply = reply_unknown(ch);
    if (!reply)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
    reply->known = true;
    reply->ok = ok;
    ch->unanswered--;
    return replies_flush(c, ch);
}

/* ---- to the login process ------------------------------------------------------------------------------------------- */

/* Text that the message's field can carry. */
static bool is_text(struct sp_span span, size_t limit)
{
    return span.size <= limit && (span.size == 0 || !memchr(span.data, 0, span.size));
}

/* The outcome of link_send() as a handler's. */
static int asked(struct connection *c, struct channel *ch, int r)
{
    ch->told = true;
    r = session_told(c, r);
    return r ? r : REQUEST_E_ASKED;
}

/* RFC 4254 section 6.4. */
static int request_env(struct connection *c, struct channel *ch, struct sp_in *in)
{
    struct sp_span name = sp_get_string(in, in->left);  /* variable name */
    struct sp_span value = sp_get_string(in, in->left); /* variable value */
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (ch->run_asked || name.size == 0 || !is_text(name, 256) || !is_text(value, 16384))
        return REQUEST_E_REFUSED;
    return asked(c, ch,
                 link_send(&c->session, channel_env, .channel = ch->number, .name = name, .value = value));
}

/* RFC 4254 section 6.2. */
static int request_pty(struct connection *c, struct channel *ch, struct sp_in *in)
{
    struct msg_channel_pty pty = {.channel = ch->number};
    pty.term = sp_get_string(in, in->left); /* TERM environment variable value */
    pty.columns = sp_get_u32(in);           /* terminal width, characters */
    pty.rows = sp_get_u32(in);              /* terminal height, rows */
    pty.width_px = sp_get_u32(in);
    pty.height_px = sp_get_u32(in);
    pty.modes = sp_get_string(in, in->left); /* encoded terminal modes */
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (ch->pty_asked || ch->run_asked || !is_text(pty.term, 256) || pty.modes.size > 2048)
        return REQUEST_E_REFUSED;
    ch->pty_asked = true;
    return asked(c, ch, link_send_raw(&c->session, MSG_channel_pty, &pty));
}

/* RFC 4254 section 6.5: one program per channel. */
static int program_run(struct connection *c, struct channel *ch, enum program_kind kind,
                       struct sp_span command)
{
    if (ch->run_asked || !is_text(command, 32768))
        return REQUEST_E_REFUSED;
    ch->run_asked = true;
    ch->kind = (uint8_t)kind;
    return asked(c, ch,
                 link_send(&c->session, channel_run, .channel = ch->number, .kind = (uint8_t)kind,
                           .command = command));
}

static int request_shell(struct connection *c, struct channel *ch, struct sp_in *in)
{
    return sp_get_end(in) ? REQUEST_E_MALFORMED : program_run(c, ch, PROGRAM_SHELL, (struct sp_span){0});
}

static int request_exec(struct connection *c, struct channel *ch, struct sp_in *in)
{
    struct sp_span command = sp_get_string(in, in->left);
    return sp_get_end(in) ? REQUEST_E_MALFORMED : program_run(c, ch, PROGRAM_EXEC, command);
}

static int request_subsystem(struct connection *c, struct channel *ch, struct sp_in *in)
{
    struct sp_span name = sp_get_string(in, in->left);
    return sp_get_end(in) ? REQUEST_E_MALFORMED : program_run(c, ch, PROGRAM_SUBSYSTEM, name);
}

/* RFC 4254 section 6.9. */
static int request_signal(struct connection *c, struct channel *ch, struct sp_in *in)
{
    struct sp_span name = sp_get_string(in, in->left); /* signal name, without SIG */
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (!ch->started || ch->exited || name.size == 0 || !is_text(name, 32))
        return REQUEST_E_REFUSED;
    return session_told(c, link_send(&c->session, channel_signal, .channel = ch->number, .name = name));
}

/* RFC 4335 section 3. */
static int request_break(struct connection *c, struct channel *ch, struct sp_in *in)
{
    uint32_t length_ms = sp_get_u32(in); /* break-length in milliseconds */
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (!ch->terminal || ch->exited)
        return REQUEST_E_REFUSED;
    return asked(c, ch, link_send(&c->session, channel_break, .channel = ch->number, .length_ms = length_ms));
}

/* ---- answered here ------------------------------------------------------------------------------------------------------ */

static uint16_t size_clamp(uint32_t value)
{
    return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

/* RFC 4254 section 6.7. */
static int request_window_change(struct connection *c, struct channel *ch, struct sp_in *in)
{
    uint32_t columns = sp_get_u32(in), rows = sp_get_u32(in);
    uint32_t width_px = sp_get_u32(in), height_px = sp_get_u32(in);
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (!ch->pty_asked)
        return REQUEST_E_REFUSED;
    ch->columns = size_clamp(columns);
    ch->rows = size_clamp(rows);
    ch->width_px = size_clamp(width_px);
    ch->height_px = size_clamp(height_px);
    ch->size_waits = true;
    channel_resize(ch);
    return 0;
}

/* eow@openssh.com (OpenSSH PROTOCOL 2.1): the client wants no more output. The program learns it as from a closed pipe;
 * a terminal stays open, as closing it would hang up its program. */
static int request_eow(struct connection *c, struct channel *ch, struct sp_in *in)
{
    if (sp_get_end(in))
        return REQUEST_E_MALFORMED;
    if (!ch->started || ch->terminal)
        return REQUEST_E_REFUSED;
    channel_stream_close(ch, &ch->output);
    return 0;
}

static int request_keepalive(struct connection *c, struct channel *ch, struct sp_in *in)
{
    return 0;
}

struct request_row {
    const char *type;
    int (*handle)(struct connection *c, struct channel *ch, struct sp_in *in);
    enum channel_subject about; /* of those that the login process answers */
};

/* What has no row is refused: agent and X11 forwarding among it. */
static const struct request_row rows[] = {
    {"env", request_env, CHANNEL_ABOUT_ENV},
    {"pty-req", request_pty, CHANNEL_ABOUT_PTY},
    {"shell", request_shell, CHANNEL_ABOUT_RUN},
    {"exec", request_exec, CHANNEL_ABOUT_RUN},
    {"subsystem", request_subsystem, CHANNEL_ABOUT_RUN},
    {"window-change", request_window_change, 0},
    {"signal", request_signal, 0},
    {"break", request_break, CHANNEL_ABOUT_BREAK},
    {"eow@openssh.com", request_eow, 0},
    {"keepalive@openssh.com", request_keepalive, 0},
};

static const struct request_row *row_find(struct sp_span type)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (sp_span_is(type, rows[i].type))
            return &rows[i];
    return NULL;
}

static void refusal_log(struct connection *c, const struct channel *ch, struct sp_span type)
{
    const struct log_field field = {"type", sp_span_of(type.data, size_min(type.size, 64))};
    log_event(&c->log, LOG_LEVEL_DEBUG, "request_refused", &field, 1, "channel %u: request refused",
              ch->number);
}

static int request_finish(struct connection *c, struct channel *ch, const struct request_row *row, bool want,
                          int r)
{
    if (r == REQUEST_E_ASKED) {
        ch->unanswered++;
        return reply_add(c, ch, (struct channel_reply){.want = want, .about = (uint8_t)row->about});
    }
    if (r == REQUEST_E_MALFORMED)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel request");
    if (r != 0 && r != REQUEST_E_REFUSED)
        return r;
    return want ? reply_add(c, ch, (struct channel_reply){.want = true, .known = true, .ok = r == 0}) : 0;
}

int on_ssh_channel_request(struct connection *c, struct sp_in *in)
{
    uint32_t number = sp_get_u32(in);                  /* recipient channel */
    struct sp_span type = sp_get_string(in, in->left); /* request type */
    bool want = sp_get_bool(in);                       /* want reply */
    if (in->bad)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel request");
    struct channel *ch = channel_find(c, number);
    if (!ch)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Request for a channel that is not open");
    if (ch->close_sent)
        return 0; /* it crossed our CLOSE */
    if (c->channels.replies_due >= CHANNEL_REQUESTS_MAX)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Too many channel requests at once");
    const struct request_row *row = row_find(type);
    int r = row ? row->handle(c, ch, in) : REQUEST_E_REFUSED;
    if (r == REQUEST_E_REFUSED)
        refusal_log(c, ch, type);
    r = request_finish(c, ch, row, want, r);
    return r ? r : channel_settle(c, ch);
}
