/*
 * Records about logins, in sshd's words, so that what reads its log (fail2ban's filter for it, say) reads ours. Input: a
 * connection's own struct, and what session and signer said. The name that a client claims stands in front of its address
 * in these sentences, as it does in sshd's. So it is written as one word, of bounded length: whoever calls himself "root from
 * 192.0.2.7 port 22 ssh2:" has nobody else banned. How connections end is said in record_end.c.
 */
#include "monitor/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "monitor/escape.h"
#include "monitor/monitor.h"

struct record_number record_number(uint64_t value)
{
    struct record_number n;
    snprintf(n.text, sizeof n.text, "%" PRIu64, value);
    return n;
}

void record_accepted(struct connection *c)
{
    struct record_number port = record_number(c->local.port);
    const struct log_field fields[] = {{"local_address", sp_text(c->local.text)},
                                       {"local_port", sp_text(port.text)}};
    observe_accepted(c);
    monitor_log(c->monitor, c, LOG_LEVEL_INFO, "accepted", fields, ARRAY_SIZE(fields),
                "Connection from %s port %u on %s port %u", c->remote.text, c->remote.port, c->local.text,
                c->local.port);
}

/* Checks come by the thousand, and are the balancer's to count. */
void record_proxied(struct connection *c, enum proxied_kind kind, const struct address *balancer,
                    const struct address *destination)
{
    static const char *const words[] = {
        [PROXIED_LOCAL] = "local", [PROXIED_UNKNOWN] = "unknown", [PROXIED_CLIENT] = "client"};
    const struct record_number port = record_number(balancer->port), to = record_number(destination->port);
    const struct log_field fields[] = {
        {"kind", sp_text(words[kind])},         {"balancer", sp_text(balancer->text)},
        {"balancer_port", sp_text(port.text)},  {"destination", sp_text(destination->text)},
        {"destination_port", sp_text(to.text)}, {"listener", sp_text(c->listener)}};
    bool is_own = c->balancer.is_own;
    monitor_log(c->monitor, c, is_own ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "proxied", fields,
                ARRAY_SIZE(fields), "Balancer %s port %u has a connection of %s, %s port %u", balancer->text,
                balancer->port,
                is_own                    ? "its own"
                : kind == PROXIED_UNKNOWN ? "somebody whom it does not know"
                                          : "a client's",
                c->remote.text, c->remote.port);
    if (!is_own)
        record_accepted(c);
}

static const struct {
    const char *word;   /* field `result` */
    const char *phrase; /* as sshd says it */
} results[] = {
    [LOGIN_FAILED] = {"failed", "Failed"},       [LOGIN_PARTIAL] = {"partial", "Partial"},
    [LOGIN_ACCEPTED] = {"accepted", "Accepted"}, [LOGIN_INVALID_USER] = {"invalid_user", "Failed"},
    [LOGIN_DENIED] = {"denied", "Failed"},
};

struct record_name record_name(const struct connection *c)
{
    struct record_name name;
    escape_word(sp_text(c->user ? c->user : ""), name.text, sizeof name.text);
    return name;
}

/* A sentence and more of what session says: its words may hold anything that a module of PAM, or a key, has put there. */
struct detail {
    char text[600];
};

static struct detail detail_of(struct sp_span detail)
{
    struct detail d;
    escape_text(detail, d.text, sizeof d.text);
    return d;
}

/* The name is none of ours: the first of all words about a login, said once. From here on it counts as sshd's invalid
 * users do, also if it exists and a rule is against it. */
static void record_invalid_user(struct connection *c)
{
    if (c->invalid_user)
        return;
    c->invalid_user = true;
    monitor_log_escaped(c->monitor, c, LOG_LEVEL_INFO, "invalid_user", NULL, 0,
                        "Invalid user %s from %s port %u", record_name(c).text, c->remote.text,
                        c->remote.port);
}

static void record_not_allowed(struct connection *c, struct sp_span why)
{
    const struct log_field fields[] = {{"why", why}};
    if (c->invalid_user)
        return;
    c->invalid_user = true;
    if (sp_span_is(why, LOGIN_ROOT_REFUSED))
        monitor_log_escaped(c->monitor, c, LOG_LEVEL_INFO, "not_allowed", fields, ARRAY_SIZE(fields),
                            "ROOT LOGIN REFUSED FROM %s port %u", c->remote.text, c->remote.port);
    else
        monitor_log_escaped(c->monitor, c, LOG_LEVEL_INFO, "not_allowed", fields, ARRAY_SIZE(fields),
                            "User %s from %s not allowed because %s", record_name(c).text, c->remote.text,
                            detail_of(why).text);
}

static void record_too_many(struct connection *c)
{
    monitor_log_escaped(c->monitor, c, LOG_LEVEL_NOTICE, "max_auth_tries", NULL, 0,
                        "maximum authentication attempts exceeded for %s%s from %s port %u ssh2 [preauth]",
                        c->invalid_user ? "invalid user " : "", record_name(c).text, c->remote.text,
                        c->remote.port);
}

/* sshd names the dialogue by what leads it. */
static const char *method_suffix(struct sp_span method)
{
    return sp_span_is(method, "keyboard-interactive") ? "/pam" : "";
}

/* Every client asks with `none` first, to learn what else there is: no attempt worth a line unless it let somebody in. */
static void record_attempt(struct connection *c, const struct msg_login_attempt *attempt)
{
    unsigned result = attempt->result < ARRAY_SIZE(results) ? attempt->result : LOGIN_FAILED;
    bool asking = sp_span_is(attempt->method, "none") && result != LOGIN_ACCEPTED;
    char method[65];
    const struct log_field fields[] = {
        {"method", attempt->method}, {"result", sp_text(results[result].word)}, {"detail", attempt->detail}};
    escape_word(attempt->method, method, sizeof method);
    monitor_log_escaped(c->monitor, c, asking ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "auth", fields,
                        ARRAY_SIZE(fields), "%s %s%s for %s%s from %s port %u ssh2%s%s",
                        results[result].phrase, method, method_suffix(attempt->method),
                        c->invalid_user ? "invalid user " : "", record_name(c).text, c->remote.text,
                        c->remote.port, attempt->detail.size ? ": " : "", detail_of(attempt->detail).text);
}

void record_login_attempt(struct connection *c, const struct msg_login_attempt *attempt)
{
    observe_attempt(c, attempt);
    if (attempt->result == LOGIN_NOT_ALLOWED)
        record_not_allowed(c, attempt->detail);
    else if (attempt->result == LOGIN_TOO_MANY)
        record_too_many(c);
    else if (attempt->result == LOGIN_INVALID_USER)
        record_invalid_user(c);
    if (attempt->method.size != 0 && attempt->result <= LOGIN_DENIED)
        record_attempt(c, attempt);
}

void record_login(struct connection *c, const struct msg_login_succeeded *login)
{
    struct record_number uid = record_number(login->uid);
    const struct log_field fields[] = {{"uid", sp_text(uid.text)}, {"methods", login->methods}};
    observe_login(c, login);
    monitor_log_escaped(c->monitor, c, LOG_LEVEL_INFO, "login", fields, ARRAY_SIZE(fields),
                        "User %s (uid %s) logged in from %s port %u", record_name(c).text, uid.text,
                        c->remote.text, c->remote.port);
    if (known_keys_seen(&c->monitor->known_keys, c->remote.text, (int64_t)time(NULL)))
        monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "no_memory", "The client could not be counted");
}

/* The policy's word for a list, and sshd's for what is not found in it. */
static const struct {
    const char *list, *what;
} no_match[] = {
    {"KexAlgorithms", "key exchange method"},
    {"HostKeyAlgorithms", "host key type"},
    {"Ciphers", "cipher"},
    {"MACs", "MAC"},
    {"Compression", "compression method"},
};

static struct sp_span field_of(const struct event_fields *fields, const char *key)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->list[i].key, key) == 0)
            return fields->list[i].value;
    return (struct sp_span){0};
}

/* What we cannot do now is not what a client could not agree on: whoever counts the latter by address must not count it. */
void record_exchange_refused(struct connection *c, uint32_t reason, const struct event_fields *fields,
                             struct sp_span why)
{
    struct sp_span list = field_of(fields, "list"), offer = field_of(fields, "client_offers");
    const char *what = NULL;
    observe_exchange_refused(c, reason == DISCONNECT_SERVICE_NOT_AVAILABLE, offer, why);
    for (size_t i = 0; i < ARRAY_SIZE(no_match); i++)
        if (sp_span_is(list, no_match[i].list))
            what = no_match[i].what;
    if (what)
        monitor_log_escaped(
            c->monitor, c, LOG_LEVEL_NOTICE, "exchange_refused", fields->list, fields->count,
            "Unable to negotiate with %s port %u: no matching %s found. Their offer: %.300s; %s",
            c->remote.text, c->remote.port, what, detail_of(offer).text, detail_of(why).text);
    else
        monitor_log_escaped(c->monitor, c, LOG_LEVEL_NOTICE, "exchange_refused", fields->list, fields->count,
                            "Unable to %s %s port %u: %s",
                            reason == DISCONNECT_SERVICE_NOT_AVAILABLE ? "serve" : "negotiate with",
                            c->remote.text, c->remote.port, detail_of(why).text);
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
