/*
 * How connections end, in sshd's words (record.c says why). Input: a connection's own struct, and the worker's last words,
 * which may be invented: they decide about words of this one connection, and nothing else. What a client or a worker has said
 * comes last in each sentence.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/loop.h"

#include "monitor/escape.h"
#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/proxied.h"
#include "monitor/record.h"

enum {
    DISCONNECT_PROTOCOL_VERSION =
        8, /* RFC 4253 section 11.1: SSH_DISCONNECT_PROTOCOL_VERSION_NOT_SUPPORTED */
};

/* sshd's way to say whose connection it is: "user alice A port N" after the login, "authenticating user alice A port N" or
 * "invalid user alice A port N" before it, "A port N" without a name. */
struct whose {
    char text[400];
};

static struct whose whose_is(const struct connection *c)
{
    struct whose w;
    const char *who = !c->ticket.source ? "user "
                      : c->invalid_user ? "invalid user "
                                        : "authenticating user ";
    if (c->user)
        snprintf(w.text, sizeof w.text, "%s%s %s port %u", who, record_name(c).text, c->remote.text,
                 c->remote.port);
    else
        snprintf(w.text, sizeof w.text, "%s port %u", c->remote.text, c->remote.port);
    return w;
}

static const char *before_login(const struct connection *c)
{
    return c->ticket.source ? " [preauth]" : "";
}

/* The worker has counted no octet of a client that it could not take for one of SSH. */
static bool nothing_came(const struct connection *c)
{
    return c->session_id_size == 0 && c->end.octets_in == 0;
}

/* Why it ended, as the worker, or who stopped it, has said; escaped. */
struct reason {
    char text[600];
};

static struct reason reason_of(const struct connection *c)
{
    struct reason r;
    const char *text = c->end.word    ? c->end.word
                       : !c->end.said ? "the worker has gone"
                       : c->end.text  ? c->end.text
                                      : "";
    escape_text(sp_text(text), r.text, sizeof r.text);
    return r;
}

/* The client's own DISCONNECT is a record by itself, and so is the end that follows it. */
static void record_disconnect(struct connection *c)
{
    char code[16];
    snprintf(code, sizeof code, "%" PRIu32, c->end.reason);
    const struct log_field fields[] = {{"code", sp_text(code)},
                                       {"text", sp_text(c->end.text ? c->end.text : "")}};
    monitor_log_escaped(c->monitor, c, LOG_LEVEL_INFO, "disconnect_received", fields, ARRAY_SIZE(fields),
                        "Received disconnect from %s port %u:%s: %s%s", c->remote.text, c->remote.port, code,
                        reason_of(c).text, before_login(c));
}

enum end_kind {
    END_BY_US = 0, /* the server's side has ended it, whichever program */
    END_CLOSED,
    END_RESET,
    END_DISCONNECTED,
    END_SILENT,  /* the client has gone before it said which protocol it speaks */
    END_FOREIGN, /* it speaks another one */
};

static enum end_kind end_kind_of(const struct connection *c)
{
    if (!c->end.said || c->end.word)
        return END_BY_US;
    if (c->end.by_peer && c->end.reason != 0)
        return END_DISCONNECTED;
    if (c->end.by_peer && nothing_came(c))
        return END_SILENT;
    if (c->end.by_peer && c->end.is_reset)
        return END_RESET;
    if (c->end.by_peer || c->end.reason == 0)
        return END_CLOSED;
    return nothing_came(c) && c->end.reason == DISCONNECT_PROTOCOL_VERSION ? END_FOREIGN : END_BY_US;
}

static void end_phrase(const struct connection *c, enum end_kind kind, char *out, size_t size)
{
    const struct whose whose = whose_is(c);
    const char *before = before_login(c);
    switch (kind) {
    case END_CLOSED:
        snprintf(out, size, "Connection closed by %s%s", whose.text, before);
        break;
    case END_RESET:
        snprintf(out, size, "Connection reset by %s%s", whose.text, before);
        break;
    case END_DISCONNECTED:
        snprintf(out, size, "Disconnected from %s%s", whose.text, before);
        break;
    case END_SILENT:
        snprintf(out, size, "Did not receive identification string from %s port %u", c->remote.text,
                 c->remote.port);
        break;
    case END_FOREIGN:
        snprintf(out, size, "banner exchange: Connection from %s port %u: invalid format: %s", c->remote.text,
                 c->remote.port, reason_of(c).text);
        break;
    case END_BY_US:
        snprintf(out, size, "Disconnecting %s: %s%s", whose.text, reason_of(c).text, before);
        break;
    }
}

void record_end(struct connection *c)
{
    char phrase[1200];
    struct record_number in = record_number(c->end.octets_in), out = record_number(c->end.octets_out);
    struct record_number rekeys = record_number(c->end.rekeys), reason = record_number(c->end.reason);
    struct record_number duration = record_number(clock_ms() - c->since_ms);
    enum end_kind kind = end_kind_of(c);
    const char *word = c->end.word      ? c->end.word
                       : !c->end.said   ? "worker_gone"
                       : c->end.by_peer ? "by_client"
                                        : "by_server";
    const struct log_field fields[] = {
        {"reason", sp_text(word)},
        {"code", sp_text(reason.text)},
        {"text", sp_text(c->end.text ? c->end.text : "")},
        {"octets_in", sp_text(in.text)},
        {"octets_out", sp_text(out.text)},
        {"rekeys", sp_text(rekeys.text)},
        {"duration_ms", sp_text(duration.text)},
    };
    if (kind == END_DISCONNECTED)
        record_disconnect(c);
    end_phrase(c, kind, phrase, sizeof phrase);
    monitor_log_escaped(c->monitor, c, connection_ends_unseen(c) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "ended",
                        fields, ARRAY_SIZE(fields), "%s", phrase);
}

void on_connection_finished(struct connection *c)
{
    connection_abandon_sign(c);
    struct record_number count = record_number(c->events.dropped);
    const struct log_field fields[] = {{"count", sp_text(count.text)}};
    if (c->events.dropped != 0)
        monitor_log(c->monitor, c, LOG_LEVEL_WARNING, "log_suppressed", fields, ARRAY_SIZE(fields),
                    "%u log records of this connection suppressed", c->events.dropped);
    observe_ended(c);
    record_end(c);
}
