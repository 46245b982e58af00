/* Counting and remembering. Input: the monitor's own knowledge, and words of clients and programs, which are kept as words. */
#include "monitor/observe.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "monitor/monitor.h"

#define OCTETS_PER_MS_MAX 50000000u /* 400 Gbit/s */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void observe_start(struct monitor *m)
{
    m->control.observed.since_s = now_ms() / 1000;
    m->log.keep = control_keep;
    m->log.keep_context = m;
}

void observe_stop(struct monitor *m)
{
    m->log.keep = NULL;
    failures_free(&m->control.observed.failures);
    past_free(&m->control.observed.past);
}

_Static_assert(METRIC_REFUSALS == ADMISSION_E_REPLACE + 1 && METRIC_RESULTS == LOGIN_DENIED + 1, "metrics.h");

static struct metrics *metrics_of(const struct connection *c)
{
    return &c->monitor->control.observed.metrics;
}

/* ---- failures ---------------------------------------------------------------------------------------------- */

static void failure_note(struct connection *c, enum failure_stage stage, struct sp_span method,
                         struct sp_span reason)
{
    const struct failure failure = {
        .at_ms = now_ms(), .connection = c->id, .source = c->source, .remote = c->remote, .stage = stage};
    failures_add(
        &c->monitor->control.observed.failures, &failure,
        &(struct failure_texts){.user = sp_text(c->user ? c->user : ""), .method = method, .reason = reason});
}

void observe_refused(struct monitor *m, const struct address *remote, const struct address_block *source,
                     enum admission_verdict verdict)
{
    const struct failure failure = {
        .at_ms = now_ms(), .source = *source, .remote = *remote, .stage = FAILURE_ADMISSION};
    m->control.observed.metrics.refused[verdict]++;
    failures_add(&m->control.observed.failures, &failure,
                 &(struct failure_texts){.reason = sp_text(admission_reason(verdict))});
}

void observe_exchange_refused(struct connection *c, bool ours, struct sp_span offer, struct sp_span why)
{
    char text[1024];
    int offered = (int)size_min(offer.size, 200), because = (int)size_min(why.size, 700);
    snprintf(text, sizeof text, "%s%.*s%s%.*s", offered ? "offers " : "", offered,
             offered ? (const char *)offer.data : "", offered ? ": " : "", because,
             because ? (const char *)why.data : "");
    failure_note(c, ours ? FAILURE_INTERNAL : FAILURE_NEGOTIATION, (struct sp_span){0}, sp_text(text));
}

void observe_timeout(struct connection *c, const char *what)
{
    failure_note(c, FAILURE_TIMEOUT, (struct sp_span){0}, sp_text(what));
}

void observe_crash(struct connection *c, int signal_number)
{
    char text[64];
    snprintf(text, sizeof text, "the worker died of signal %d", signal_number);
    metrics_of(c)->worker_crashes++;
    failure_note(c, FAILURE_CRASH, (struct sp_span){0}, sp_text(text));
}

void observe_login_crash(struct connection *c, int signal_number)
{
    char text[64];
    snprintf(text, sizeof text, "the login process died of signal %d", signal_number);
    metrics_of(c)->login_crashes++;
    failure_note(c, FAILURE_CRASH, (struct sp_span){0}, sp_text(text));
}

void observe_illegal(struct connection *c, const char *complaint)
{
    failure_note(c, FAILURE_INTERNAL, (struct sp_span){0}, sp_text(complaint));
}

/* ---- handshakes and logins --------------------------------------------------------------------------------- */

void observe_accepted(struct connection *c)
{
    metrics_of(c)->accepted++;
}

void observe_negotiated(struct connection *c, struct sp_span negotiated)
{
    struct metrics *metrics = metrics_of(c);
    struct sp_in in = sp_in_of(negotiated);
    struct sp_span names[7]; /* client version, kex, host key, ciphers and MACs */
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        names[i] = sp_get_string(&in, 2048);
    if (in.bad)
        return;
    metrics->post_quantum[metric_is_post_quantum(names[1])]++;
    metric_name_count(&metrics->kex, METRIC_KEX, names[1]);
    metric_name_count(&metrics->host_key, METRIC_HOST_KEY, names[2]);
    for (size_t i = 0; i < 2; i++) {
        metric_name_count(&metrics->cipher[i], METRIC_CIPHER, names[3 + i]);
        metric_name_count(&metrics->mac[i], METRIC_MAC, names[5 + i]);
    }
}

void observe_sign_asked(struct connection *c)
{
    c->known.sign_asked_us = clock_us();
}

void observe_signed(struct connection *c, bool first)
{
    struct metrics *metrics = metrics_of(c);
    if (!first)
        metrics->rekeys++;
    if (c->known.sign_asked_us != 0) /* not by a monitor before this one */
        metric_histogram_add(&metrics->signature[first ? 0 : 1], clock_us() - c->known.sign_asked_us);
}

static void text_keep(char *to, size_t capacity, struct sp_span text)
{
    snprintf(to, capacity, "%.*s", (int)size_min(text.size, capacity - 1),
             text.size != 0 ? (const char *)text.data : "");
}

/* For people: what went wrong, in the login process's words if it has any. */
static struct sp_span attempt_reason(const struct msg_login_attempt *attempt)
{
    static const char *const words[] = {[LOGIN_FAILED] = "failed",
                                        [LOGIN_INVALID_USER] = "no such user",
                                        [LOGIN_DENIED] = "denied",
                                        [LOGIN_NOT_ALLOWED] = "not allowed",
                                        [LOGIN_TOO_MANY] = "too many attempts"};
    bool known = attempt->result < ARRAY_SIZE(words) && words[attempt->result];
    if (attempt->detail.size != 0 && attempt->result != LOGIN_INVALID_USER)
        return attempt->detail;
    return sp_text(known ? words[attempt->result] : words[LOGIN_FAILED]);
}

/* Every client asks with `none` first, to learn what else there is: that is no failure. Nor is a word about the user, without
 * a method, unless it ends something. */
void observe_attempt(struct connection *c, const struct msg_login_attempt *attempt)
{
    unsigned result = attempt->result;
    bool passes = result == LOGIN_ACCEPTED || result == LOGIN_PARTIAL;
    bool ends = result == LOGIN_NOT_ALLOWED || result == LOGIN_TOO_MANY;
    if (!passes && !ends && (attempt->method.size == 0 || sp_span_is(attempt->method, "none")))
        return;
    if (attempt->method.size != 0 && !ends)
        metric_name_count(&metrics_of(c)->auth[result < METRIC_RESULTS ? result : LOGIN_FAILED],
                          METRIC_METHOD, attempt->method);
    if (!passes)
        failure_note(c, FAILURE_AUTHENTICATION, attempt->method, attempt_reason(attempt));
    else
        text_keep(c->known.detail, sizeof c->known.detail, attempt->detail);
}

void observe_login(struct connection *c, const struct msg_login_succeeded *login)
{
    struct connection_known *known = &c->known;
    metrics_of(c)->logins++;
    known->login_s = now_ms() / 1000;
    known->uid = login->uid;
    known->login_pid = login->pid;
    text_keep(known->methods, sizeof known->methods, login->methods);
    text_keep(known->session, sizeof known->session, login->session);
}

/* ---- ends -------------------------------------------------------------------------------------------------- */

/* What a worker says of itself may be anything: what would make the sum less, or is more than any network carries, is left
 * out. */
void observe_octets(struct connection *c, uint64_t in, uint64_t out)
{
    struct metrics *metrics = metrics_of(c);
    struct connection_known *known = &c->known;
    uint64_t most = (clock_ms() - c->since_ms + 1000) * OCTETS_PER_MS_MAX;
    if (in > most || out > most)
        return;
    if (known->is_adopted) { /* from here on */
        known->is_adopted = false;
        known->counted_in = in;
        known->counted_out = out;
    }
    if (in > known->counted_in) {
        metrics->octets_in += in - known->counted_in;
        known->counted_in = in;
    }
    if (out > known->counted_out) {
        metrics->octets_out += out - known->counted_out;
        known->counted_out = out;
    }
}

/* RFC 4250 section 4.2.2: the worker ended it because of what the client sent. */
static bool is_protocol_error(const struct connection_end *end)
{
    return end->said && !end->by_peer && !end->word &&
           (end->reason == 2 || end->reason == 3 || end->reason == 5 || end->reason == 6 || end->reason == 8);
}

void observe_ended(struct connection *c)
{
    const char *text = c->end.text ? c->end.text : "";
    metrics_of(c)->events_dropped += c->events.dropped;
    if (c->end.said)
        observe_octets(c, c->end.octets_in, c->end.octets_out);
    if (is_protocol_error(&c->end))
        failure_note(c, FAILURE_PROTOCOL, (struct sp_span){0}, sp_text(text));
    else if (c->end.word &&
             (strcmp(c->end.word, "no_worker") == 0 || strcmp(c->end.word, "signer_failed") == 0 ||
              strcmp(c->end.word, "no_login_service") == 0))
        failure_note(c, FAILURE_INTERNAL, (struct sp_span){0}, sp_text(c->end.word));
}

void observe_configured(struct monitor *m, bool again)
{
    m->control.observed.metrics.reloads += again ? 1 : 0;
    m->control.observed.refused.is_last = false;
}

void observe_reload_refused(struct monitor *m, const char *by, struct sp_span why)
{
    struct refused_reload *refused = &m->control.observed.refused;
    m->control.observed.metrics.reloads_refused++;
    refused->at_s = now_ms() / 1000;
    refused->is_last = true;
    snprintf(refused->by, sizeof refused->by, "%s", by);
    text_keep(refused->why, sizeof refused->why, why);
}
