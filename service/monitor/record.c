/*
 * Records about one connection. Input: its own struct, and what session and worker said. Their words come last in each
 * sentence, so that no user name or client text can pretend to be an address.
 */
#include "monitor/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/loop.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"

struct number_text {
    char text[24];
};

static struct number_text number_of(uint64_t value)
{
    struct number_text n;
    snprintf(n.text, sizeof n.text, "%" PRIu64, value);
    return n;
}

void record_accepted(struct connection *c)
{
    struct number_text port = number_of(c->local.port);
    const struct log_field fields[] = {{"local_address", sp_text(c->local.text)},
                                       {"local_port", sp_text(port.text)}};
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "accepted", fields, ARRAY_SIZE(fields),
                "Connection from %s port %u on %s port %u", c->remote.text, c->remote.port, c->local.text,
                c->local.port);
}

static const struct {
    const char *word;   /* field `result` */
    const char *phrase; /* as sshd says it */
} results[] = {
    [LOGIN_FAILED] = {"failed", "Failed"},       [LOGIN_PARTIAL] = {"partial", "Partial"},
    [LOGIN_ACCEPTED] = {"accepted", "Accepted"}, [LOGIN_INVALID_USER] = {"invalid_user", "Failed"},
    [LOGIN_DENIED] = {"denied", "Failed"},
};

static void invalid_user_note(struct connection *c)
{
    if (c->invalid_user)
        return;
    c->invalid_user = true;
    monitor_say(c->monitor, c, LOG_LEVEL_INFO, "invalid_user", "Invalid user %s from %s port %u", c->user,
                c->remote.text, c->remote.port);
}

/* Every client asks with `none` first, to learn what else there is: no attempt worth a line unless it let somebody in. */
void record_login_attempt(struct connection *c, const struct msg_login_attempt *attempt)
{
    unsigned result = attempt->result < ARRAY_SIZE(results) ? attempt->result : LOGIN_FAILED;
    bool asking = sp_span_is(attempt->method, "none") && result != LOGIN_ACCEPTED;
    const struct log_field fields[] = {
        {"method", attempt->method}, {"result", sp_text(results[result].word)}, {"detail", attempt->detail}};
    if (result == LOGIN_INVALID_USER)
        invalid_user_note(c);
    monitor_log(c->monitor, c, asking ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "auth", fields, ARRAY_SIZE(fields),
                "%s %.*s for %s%s from %s port %u ssh2%s%.*s", results[result].phrase,
                (int)attempt->method.size, (const char *)attempt->method.data,
                result == LOGIN_INVALID_USER ? "invalid user " : "", c->user, c->remote.text, c->remote.port,
                attempt->detail.size ? ": " : "", (int)attempt->detail.size,
                (const char *)attempt->detail.data);
}

void record_login(struct connection *c, const struct msg_login_succeeded *login)
{
    struct number_text uid = number_of(login->uid);
    const struct log_field fields[] = {{"uid", sp_text(uid.text)}, {"methods", login->methods}};
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "login", fields, ARRAY_SIZE(fields),
                "User %s (uid %s) logged in from %s port %u", c->user, uid.text, c->remote.text,
                c->remote.port);
    if (known_keys_seen(&c->monitor->known_keys, c->remote.text, (int64_t)time(NULL)))
        monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "no_memory", "The client could not be counted");
}

/* "user alice " after the login, "authenticating user alice " or "invalid user alice " before it, "" without a name. */
static const char *who_is(const struct connection *c)
{
    if (!c->user)
        return "";
    if (!c->ticket.source)
        return "user ";
    return c->invalid_user ? "invalid user " : "authenticating user ";
}

static void end_phrase(const struct connection *c, char *out, size_t size)
{
    const char *who = who_is(c), *user = c->user ? c->user : "", *gap = c->user ? " " : "";
    const char *before = c->ticket.source ? " [preauth]" : "";
    if (!c->end.said || c->end.word)
        snprintf(out, size, "Disconnecting %s%s%s%s port %u: %s%s", who, user, gap, c->remote.text,
                 c->remote.port, c->end.word ? c->end.word : "the worker has gone", before);
    else if (c->end.by_peer && c->end.reason != 0)
        snprintf(out, size, "Received disconnect from %s port %u:%" PRIu32 ": %s%s", c->remote.text,
                 c->remote.port, c->end.reason, c->end.text ? c->end.text : "", before);
    else if (c->end.by_peer || c->end.reason == 0)
        snprintf(out, size, "Connection closed by %s%s%s%s port %u%s", who, user, gap, c->remote.text,
                 c->remote.port, before);
    else
        snprintf(out, size, "Disconnecting %s%s%s%s port %u: %s%s", who, user, gap, c->remote.text,
                 c->remote.port, c->end.text ? c->end.text : "", before);
}

void record_end(struct connection *c)
{
    char phrase[900];
    struct number_text in = number_of(c->end.octets_in), out = number_of(c->end.octets_out);
    struct number_text rekeys = number_of(c->end.rekeys), reason = number_of(c->end.reason);
    struct number_text duration = number_of(clock_ms() - c->since_ms);
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
    end_phrase(c, phrase, sizeof phrase);
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "ended", fields, ARRAY_SIZE(fields), "%s", phrase);
}

void record_policy_report(struct connection *c, struct sp_span policy, struct sp_span what,
                          struct sp_span detail)
{
    const struct log_field fields[] = {{"policy", policy}, {"what", what}, {"detail", detail}};
    int r = report_add(&c->monitor->report, c->remote.text, what, detail, (int64_t)time(NULL));
    monitor_log(c->monitor, c, LOG_LEVEL_NOTICE, "policy_report", fields, ARRAY_SIZE(fields),
                "Policy %.*s would refuse %s port %u%s: %.*s: %.*s", (int)policy.size,
                (const char *)policy.data, c->remote.text, c->remote.port,
                r ? " (not counted: out of memory)" : "", (int)what.size, (const char *)what.data,
                (int)detail.size, (const char *)detail.data);
}

void record_policy_exception(struct connection *c, const struct msg_policy_exception *exception)
{
    char until[32] = "further notice";
    time_t end = (time_t)exception->not_after;
    struct tm parts;
    if (end != 0 && gmtime_r(&end, &parts))
        strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", &parts);
    const struct log_field fields[] = {{"policy", exception->policy},
                                       {"what", exception->what},
                                       {"algorithm", exception->name},
                                       {"origin", exception->origin},
                                       {"not_after", sp_text(until)}};
    monitor_log(c->monitor, c, LOG_LEVEL_NOTICE, "policy_exception", fields, ARRAY_SIZE(fields),
                "Exception to policy %.*s for %s port %u: %.*s %.*s, until %s, by %.*s",
                (int)exception->policy.size, (const char *)exception->policy.data, c->remote.text,
                c->remote.port, (int)exception->what.size, (const char *)exception->what.data,
                (int)exception->name.size, (const char *)exception->name.data, until,
                (int)exception->origin.size, (const char *)exception->origin.data);
}

void on_connection_finished(struct connection *c)
{
    connection_abandon_sign(c);
    if (c->events.dropped != 0)
        monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "log_suppressed",
                    "%u log records of this connection suppressed", c->events.dropped);
    record_end(c);
}
