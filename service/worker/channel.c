/*
 * The life of a channel (RFC 4254 sections 5.1 to 5.3): open, window, EOF, CLOSE. Input: the client's messages. Output:
 * entries of the channel table, and the answers.
 *
 * A number of ours is given to a new channel only when both sides have sent CLOSE and the login process owes no answer
 * for it, so that no message can mean the wrong channel.
 */
#include "worker/channel.h"

#include <errno.h>
#include <stdio.h>

#include "worker/channel_input.h"
#include "worker/channel_request.h"
#include "worker/connection.h"
#include "worker/on_session.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

/* RFC 4254 section 5.1. */
enum ssh_open_failure {
    SSH_OPEN_ADMINISTRATIVELY_PROHIBITED = 1,
    SSH_OPEN_CONNECT_FAILED = 2,
    SSH_OPEN_UNKNOWN_CHANNEL_TYPE = 3,
    SSH_OPEN_RESOURCE_SHORTAGE = 4,
};

int channels_open_table(struct connection *c, uint32_t most)
{
    struct channels *channels = &c->channels;
    most = most < CHANNELS_MAX ? most : CHANNELS_MAX;
    channels->table = most ? calloc(most, sizeof *channels->table) : NULL;
    if (most && !channels->table)
        return -ENOMEM;
    channels->most = most;
    return 0;
}

void channel_log(struct connection *c, const struct channel *ch, const char *what)
{
    log_say(&c->log, LOG_LEVEL_DEBUG, "channel", "channel %u %s", ch->number, what);
}

/* The login process tells of programs, as the one to be believed; only we know what went to and fro. */
static void traffic_log(struct connection *c, const struct channel *ch)
{
    char number[12], in[24], out[24];
    snprintf(number, sizeof number, "%u", ch->number);
    snprintf(in, sizeof in, "%llu", (unsigned long long)ch->octets_in);
    snprintf(out, sizeof out, "%llu", (unsigned long long)ch->octets_out);
    const struct log_field fields[] = {
        {"channel", sp_text(number)},
        {"octets_in", sp_text(in)},
        {"octets_out", sp_text(out)},
    };
    log_event(&c->log, LOG_LEVEL_INFO, "channel_traffic", fields, ARRAY_SIZE(fields),
              "channel %u closed: %s octets in, %s out", ch->number, in, out);
}

struct channel *channel_find(struct connection *c, uint32_t number)
{
    struct channel *ch = number < c->channels.most ? &c->channels.table[number] : NULL;
    return ch && ch->used && !ch->close_received ? ch : NULL;
}

void channel_stream_close(struct channel *ch, struct channel_stream *stream)
{
    int fd = stream->fd;
    *stream = (struct channel_stream){.fd = -1, .poll_at = -1};
    if (fd >= 0 && ch->input.fd != fd && ch->output.fd != fd && ch->error.fd != fd)
        close(fd);
}

static void channel_hush(struct connection *c, struct channel *ch)
{
    channel_stream_close(ch, &ch->output);
    channel_stream_close(ch, &ch->error);
    channel_input_drop(c, ch);
}

void channels_close_all(struct connection *c)
{
    struct channels *channels = &c->channels;
    for (uint32_t i = 0; i < channels->most; i++)
        if (channels->table[i].used)
            channel_hush(c, &channels->table[i]);
    free(channels->table);
    *channels = (struct channels){0};
}

/* ---- how a channel ends ------------------------------------------------------------------------------------- */

static int eof_send(struct connection *c, struct channel *ch)
{
    ch->eof_sent = true;
    sp_put_u32(packet_begin(c, SSH_MSG_CHANNEL_EOF), ch->peer_number);
    return packet_end(c);
}

static int close_send(struct connection *c, struct channel *ch)
{
    ch->close_sent = true;
    traffic_log(c, ch);
    channel_hush(c, ch);
    sp_put_u32(packet_begin(c, SSH_MSG_CHANNEL_CLOSE), ch->peer_number);
    int r = packet_end(c);
    if (r || !ch->told)
        return r;
    return session_told(c, link_send(&c->session, channel_gone, .channel = ch->number));
}

/*
 * A program that was asked for is waited for, even if the client has sent CLOSE: OpenSSH's client does so as soon as it
 * has sent and seen EOF, and wants the status all the same; others send all their input and CLOSE behind it. Only a
 * terminal that the client leaves while programs have it open is hung up at once.
 */
static bool program_is_awaited(const struct channel *ch)
{
    bool abandoned = ch->terminal && !ch->eof_sent;
    return ch->run_asked && !ch->exited && !abandoned;
}

/* A program of ours is over when it has exited and nobody (not even a background process that inherited it) holds its
 * output any more. */
static bool close_is_due(const struct channel *ch)
{
    if (ch->close_received)
        return !program_is_awaited(ch);
    return ch->exited && channel_output_is_over(ch);
}

static void channel_release(struct connection *c, struct channel *ch)
{
    c->channels.window_extra -= ch->window_target - CHANNEL_WINDOW_FIRST;
    *ch = (struct channel){0};
}

/*
 * dbclient looks whether its last channel has gone only after something has come from the server. When it closes the
 * channel because its own output has drained, nothing comes, and it waits for hours: it is sent an IGNORE then.
 */
static int client_nudge(struct connection *c)
{
    struct sp_span version = sp_span_of(c->transport.v_c, c->transport.v_c_size);
    if (version.size == 0 || !memmem(version.data, version.size, "dropbear", 8))
        return 0;
    sp_put_text(packet_begin(c, SSH_MSG_IGNORE), ""); /* data */
    return packet_end(c);
}

int channel_settle(struct connection *c, struct channel *ch)
{
    int r = 0;
    if (!ch->used)
        return 0;
    if (ch->started && channel_output_is_over(ch) && !ch->eof_sent && !ch->close_sent && !ch->close_received)
        r = eof_send(c, ch);
    if (!r && !ch->close_sent && close_is_due(ch))
        r = close_send(c, ch);
    if (r || !ch->close_sent || !ch->close_received || ch->unanswered != 0)
        return r;
    channel_release(c, ch);
    return client_nudge(c);
}

/* ---- CHANNEL_OPEN -------------------------------------------------------------------------------------------- */

struct channel_opening {
    struct sp_span type;
    uint32_t peer_number, window, packet_max;
};

/* Types that exist, and that this server does not serve. */
static const char *const types_refused[] = {
    "direct-tcpip",
    "forwarded-tcpip",
    "direct-streamlocal@openssh.com",
    "forwarded-streamlocal@openssh.com",
    "x11",
    "auth-agent@openssh.com",
    "tun@openssh.com",
};

static int open_refuse(struct connection *c, const struct channel_opening *opening, enum ssh_open_failure why,
                       const char *text)
{
    log_event(
        &c->log, LOG_LEVEL_INFO, "channel_refused",
        &(const struct log_field){"type", sp_span_of(opening->type.data, size_min(opening->type.size, 64))},
        1, "channel refused: %s", text);
    struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_OPEN_FAILURE);
    sp_put_u32(out, opening->peer_number); /* recipient channel */
    sp_put_u32(out, why);                  /* reason code */
    sp_put_text(out, text);                /* description */
    sp_put_text(out, "");                  /* language tag */
    return packet_end(c);
}

static int open_refuse_type(struct connection *c, const struct channel_opening *opening)
{
    for (size_t i = 0; i < ARRAY_SIZE(types_refused); i++)
        if (sp_span_is(opening->type, types_refused[i]))
            return open_refuse(c, opening, SSH_OPEN_ADMINISTRATIVELY_PROHIBITED,
                               "forwarding is not allowed on this server");
    return open_refuse(c, opening, SSH_OPEN_UNKNOWN_CHANNEL_TYPE, "unknown channel type");
}

static struct channel *channel_unused(struct connection *c)
{
    for (uint32_t i = 0; i < c->channels.most; i++)
        if (!c->channels.table[i].used)
            return &c->channels.table[i];
    return NULL;
}

static int open_confirm(struct connection *c, struct channel *ch, const struct channel_opening *opening)
{
    *ch = (struct channel){
        .used = true,
        .number = (uint32_t)(ch - c->channels.table),
        .peer_number = opening->peer_number,
        .peer_window = opening->window,
        .peer_packet_max = opening->packet_max,
        .window = CHANNEL_WINDOW_FIRST,
        .window_target = CHANNEL_WINDOW_FIRST,
        .input = {.fd = -1, .poll_at = -1},
        .output = {.fd = -1, .poll_at = -1},
        .error = {.fd = -1, .poll_at = -1},
    };
    channel_log(c, ch, "opened");
    struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_OPEN_CONFIRMATION);
    sp_put_u32(out, ch->peer_number); /* recipient channel */
    sp_put_u32(out, ch->number);      /* sender channel */
    sp_put_u32(out, ch->window);      /* initial window size */
    sp_put_u32(out, PACKET_DATA_MAX); /* maximum packet size */
    return packet_end(c);
}

static int session_open(struct connection *c, const struct channel_opening *opening)
{
    /* The client has said that it would not: somebody else is speaking for it (OpenSSH PROTOCOL 2.2). */
    if (c->channels.no_more_sessions)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "No more sessions were to be opened");
    if (opening->packet_max == 0)
        return open_refuse(c, opening, SSH_OPEN_CONNECT_FAILED, "a maximum packet size of 0 carries nothing");
    if (c->channels.most == 0)
        return open_refuse(c, opening, SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, "sessions are not allowed");
    struct channel *ch = channel_unused(c);
    if (!ch)
        return open_refuse(c, opening, SSH_OPEN_RESOURCE_SHORTAGE, "too many sessions on this connection");
    return open_confirm(c, ch, opening);
}

int on_ssh_channel_open(struct connection *c, struct sp_in *in)
{
    struct channel_opening opening;
    opening.type = sp_get_string(in, in->left); /* channel type */
    opening.peer_number = sp_get_u32(in);       /* sender channel */
    opening.window = sp_get_u32(in);            /* initial window size */
    opening.packet_max = sp_get_u32(in);        /* maximum packet size */
    if (in->bad)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel open");
    if (!sp_span_is(opening.type, "session"))
        return open_refuse_type(c, &opening);
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel open");
    return session_open(c, &opening);
}

/* ---- window, EOF, CLOSE ---------------------------------------------------------------------------------------- */

static int unknown_channel(struct connection *c)
{
    return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Message for a channel that is not open");
}

int on_ssh_channel_window_adjust(struct connection *c, struct sp_in *in)
{
    uint32_t number = sp_get_u32(in); /* recipient channel */
    uint32_t more = sp_get_u32(in);   /* bytes to add */
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed window adjust");
    struct channel *ch = channel_find(c, number);
    if (!ch)
        return unknown_channel(c);
    if (more > UINT32_MAX - ch->peer_window)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Channel window would exceed its maximum");
    ch->peer_window += more;
    return 0;
}

/* A message that has nothing but the recipient channel. */
static int bare_message(struct connection *c, struct sp_in *in, struct channel **found)
{
    uint32_t number = sp_get_u32(in);
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel message");
    struct channel *ch = channel_find(c, number);
    if (!ch)
        return unknown_channel(c);
    *found = ch;
    return 0;
}

int on_ssh_channel_eof(struct connection *c, struct sp_in *in)
{
    struct channel *ch;
    int r = bare_message(c, in, &ch);
    if (r)
        return r;
    ch->eof_received = true;
    channel_input_finish(c, ch);
    return 0;
}

int on_ssh_channel_close(struct connection *c, struct sp_in *in)
{
    struct channel *ch;
    int r = bare_message(c, in, &ch);
    if (r)
        return r;
    ch->eof_received = true;
    ch->close_received = true;
    channel_stream_close(ch, &ch->output);
    channel_stream_close(ch, &ch->error);
    channel_input_finish(c, ch);
    return channel_settle(c, ch);
}

/* We ask for no replies on channels: one that comes answers nothing, and is dropped. */
int on_ssh_channel_reply(struct connection *c, struct sp_in *in)
{
    struct channel *ch;
    return bare_message(c, in, &ch);
}
