/*
 * The server's figures, for who asks: families of samples with the names, types and units of OpenMetrics 1.0, as JSON. The tool
 * makes text of it. A counter's "_total" and a histogram's suffixes are the text's.
 *
 * Labels are bounded: names of the registry, words of ours, and the tokens of the configuration (TOKEN_STATES_MAX).
 */
#include <stdio.h>
#include <string.h>

#include "base/loop.h"

#include "monitor/control_answers.h"
#include "monitor/monitor.h"

struct label {
    const char *name, *value;
};

/* The array that its samples go to, borrowed. */
static json_t *family(json_t *families, const char *name, const char *type, const char *unit,
                      const char *help)
{
    json_t *row = json_object(), *samples = json_array();
    put_string(row, "name", name);
    put_string(row, "type", type);
    if (*unit)
        put_string(row, "unit", unit);
    put_string(row, "help", help);
    (void)json_object_set_new(row, "samples", samples);
    (void)json_array_append_new(families, row);
    return samples;
}

static json_t *sample_add(json_t *samples, const struct label *labels, size_t count)
{
    json_t *row = json_object(), *named = json_object();
    for (size_t i = 0; i < count; i++)
        put_string(named, labels[i].name, labels[i].value);
    (void)json_object_set_new(row, "labels", named);
    (void)json_array_append_new(samples, row);
    return row;
}

static void plain(json_t *families, const char *name, const char *type, const char *unit, const char *help,
                  uint64_t value)
{
    put_number(sample_add(family(families, name, type, unit, help), NULL, 0), "value", value);
}

static void labelled(json_t *samples, const char *label, const char *value, uint64_t number)
{
    const struct label one = {label, value};
    put_number(sample_add(samples, &one, 1), "value", number);
}

/* ---- handshakes and logins --------------------------------------------------------------------------------- */

static void names_put(json_t *families, const char *name, const char *label, const char *help,
                      enum metric_kind kind, const struct metric_names *names)
{
    json_t *samples = family(families, name, "counter", "", help);
    for (size_t i = 0; metric_name_at(kind, i); i++)
        labelled(samples, label, metric_name_at(kind, i), names->count[i]);
}

/* [0]: what clients send. */
static void directions_put(json_t *families, const char *name, const char *label, const char *help,
                           enum metric_kind kind, const struct metric_names names[2])
{
    static const char *const directions[] = {"in", "out"};
    json_t *samples = family(families, name, "counter", "", help);
    for (size_t direction = 0; direction < 2; direction++) {
        for (size_t i = 0; metric_name_at(kind, i); i++) {
            const struct label labels[] = {{label, metric_name_at(kind, i)},
                                           {"direction", directions[direction]}};
            put_number(sample_add(samples, labels, 2), "value", names[direction].count[i]);
        }
    }
}

static void handshakes_put(const struct metrics *metrics, json_t *families)
{
    json_t *samples = family(families, "sallyport_handshakes", "counter", "",
                             "First key exchanges that were signed, by whether the method is post-quantum.");
    labelled(samples, "post_quantum", "false", metrics->post_quantum[0]);
    labelled(samples, "post_quantum", "true", metrics->post_quantum[1]);
    names_put(families, "sallyport_handshake_kex", "kex", "First key exchanges, by method.", METRIC_KEX,
              &metrics->kex);
    names_put(families, "sallyport_handshake_host_key", "algorithm",
              "First key exchanges, by host key algorithm.", METRIC_HOST_KEY, &metrics->host_key);
    directions_put(families, "sallyport_handshake_cipher", "cipher",
                   "First key exchanges, by cipher; in: what the client sends.", METRIC_CIPHER,
                   metrics->cipher);
    directions_put(families, "sallyport_handshake_mac", "mac",
                   "First key exchanges, by MAC; implicit: the cipher authenticates.", METRIC_MAC,
                   metrics->mac);
    plain(families, "sallyport_rekeys", "counter", "", "Key exchanges after the first.", metrics->rekeys);
}

static void logins_put(const struct metrics *metrics, json_t *families)
{
    static const char *const results[METRIC_RESULTS] = {[LOGIN_FAILED] = "failed",
                                                        [LOGIN_PARTIAL] = "partial",
                                                        [LOGIN_ACCEPTED] = "accepted",
                                                        [LOGIN_INVALID_USER] = "invalid_user",
                                                        [LOGIN_DENIED] = "denied"};
    json_t *samples =
        family(families, "sallyport_auth", "counter", "", "Attempts to log in, by method and result.");
    for (size_t result = 0; result < METRIC_RESULTS; result++) {
        for (size_t i = 0; metric_name_at(METRIC_METHOD, i); i++) {
            const struct label labels[] = {{"method", metric_name_at(METRIC_METHOD, i)},
                                           {"result", results[result]}};
            put_number(sample_add(samples, labels, 2), "value", metrics->auth[result].count[i]);
        }
    }
    plain(families, "sallyport_logins", "counter", "", "Logins.", metrics->logins);
}

/* ---- connections ------------------------------------------------------------------------------------------- */

static void refusals_put(const struct observed *observed, json_t *families)
{
    json_t *samples = family(families, "sallyport_refused", "counter", "",
                             "Clients turned away before they were served, by reason.");
    for (size_t i = ADMISSION_E_STARTUPS; i < METRIC_REFUSALS; i++)
        labelled(samples, "reason", admission_reason((enum admission_verdict)i),
                 observed->metrics.refused[i]);
    samples = family(families, "sallyport_failures", "counter", "",
                     "Attempts that came to nothing, by the stage in which they did.");
    for (size_t i = 0; i < FAILURE_STAGES; i++)
        labelled(samples, "stage", failure_stage_word((enum failure_stage)i), observed->failures.by_stage[i]);
}

static void connections_put(const struct monitor *m, json_t *families)
{
    const char *phase;
    json_t *counts = json_object(), *count,
           *samples = family(families, "sallyport_connections", "gauge", "", "Open connections, by phase.");
    connections_count(m, counts);
    json_object_foreach(counts, phase, count)
        labelled(samples, "phase", phase, (uint64_t)json_integer_value(count));
    plain(families, "sallyport_sessions", "gauge", "", "Connections that are logged in.",
          (uint64_t)json_integer_value(json_object_get(counts, phase_name(PHASE_LOGIN))));
    json_decref(counts);
    plain(families, "sallyport_startups", "gauge", "",
          "Connections that have not logged in, as MaxStartups counts them.", m->admission.startups);
    plain(families, "sallyport_penalised", "gauge", "",
          "Sources that have to wait because a worker of theirs died.",
          admission_penalised(&m->admission, clock_ms()));
    if (!m->generations.current)
        return;
    plain(families, "sallyport_startups_full", "gauge", "",
          "From so many on, all are turned away (MaxStartups).", m->generations.current->limits.full);
    plain(families, "sallyport_connections_max", "gauge", "", "MaxConnections.",
          m->generations.current->limits.connections);
}

static void traffic_put(const struct metrics *metrics, json_t *families)
{
    plain(families, "sallyport_accepted", "counter", "", "Clients that were served.", metrics->accepted);
    plain(families, "sallyport_received_bytes", "counter", "bytes",
          "What clients sent, as far as their workers have told.", metrics->octets_in);
    plain(families, "sallyport_sent_bytes", "counter", "bytes",
          "What clients were sent, as far as their workers have told.", metrics->octets_out);
    plain(families, "sallyport_killed", "counter", "", "Connections that an administrator has ended.",
          metrics->killed);
    plain(families, "sallyport_worker_crashes", "counter", "", "Workers that died of a signal.",
          metrics->worker_crashes);
    plain(families, "sallyport_login_crashes", "counter", "", "Login processes that died of a signal.",
          metrics->login_crashes);
}

/* ---- the server -------------------------------------------------------------------------------------------- */

static void server_put(const struct monitor *m, json_t *families)
{
    const struct metrics *metrics = &m->control.observed.metrics;
    const struct generation *g = m->generations.current;
    json_t *samples = family(families, "sallyport_build", "info", "", "The program.");
    const struct label version = {"version", SALLYPORT_VERSION};
    put_number(sample_add(samples, &version, 1), "value", 1);
    plain(families, "sallyport_start_time_seconds", "gauge", "seconds",
          "When the monitor began, since the epoch.", (uint64_t)m->control.observed.since_s);
    samples = family(families, "sallyport_configuration_reloads", "counter", "",
                     "Configurations after the first, by what became of them.");
    labelled(samples, "result", "loaded", metrics->reloads);
    labelled(samples, "result", "refused", metrics->reloads_refused);
    if (g) {
        plain(families, "sallyport_configuration_generation", "gauge", "", "The configuration in force.",
              g->number);
        plain(families, "sallyport_configuration_loaded_timestamp_seconds", "gauge", "seconds",
              "When it was read, since the epoch.", (uint64_t)g->loaded_s);
    }
    plain(families, "sallyport_events_dropped", "counter", "", "Records that were too many for the log.",
          metrics->events_dropped + m->log.suppressed);
}

static void services_put(const struct monitor *m, json_t *families)
{
    const struct service *services[] = {&m->signer, &m->zygote, &m->acceptor};
    json_t *samples =
        family(families, "sallyport_service_up", "gauge", "", "Whether that program is connected.");
    for (size_t i = 0; i < ARRAY_SIZE(services); i++)
        if (services[i]->kind)
            labelled(samples, "service", services[i]->kind->name, watch_is_open(&services[i]->watch));
    samples = family(families, "sallyport_service_connects", "counter", "",
                     "How often that program was connected: once, and again after each loss.");
    for (size_t i = 0; i < ARRAY_SIZE(services); i++)
        if (services[i]->kind)
            labelled(samples, "service", services[i]->kind->name, services[i]->connects);
}

/* ---- signatures -------------------------------------------------------------------------------------------- */

/* buckets: pairs of upper bound in microseconds and how many were not above it, each with all below it. */
static void histogram_put(json_t *row, const uint64_t *bounds_us, const uint64_t *counts, size_t count,
                          uint64_t all, uint64_t sum_us)
{
    json_t *buckets = json_array();
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *pair = json_array();
        sum += counts[i];
        (void)json_array_append_new(pair, json_integer((json_int_t)bounds_us[i]));
        (void)json_array_append_new(pair, json_integer((json_int_t)sum));
        (void)json_array_append_new(buckets, pair);
    }
    (void)json_object_set_new(row, "buckets", buckets);
    put_number(row, "count", all);
    put_number(row, "sum_us", sum_us);
}

static void signatures_put(const struct metrics *metrics, json_t *families)
{
    static const char *const exchanges[] = {"first", "rekey"};
    json_t *samples = family(families, "sallyport_signature_seconds", "histogram", "seconds",
                             "From asking the signer to its answer: queue, token and verification.");
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        const struct label exchange = {"exchange", exchanges[i]};
        const struct metric_histogram *h = &metrics->signature[i];
        histogram_put(sample_add(samples, &exchange, 1), metric_bounds_us, h->buckets, METRIC_BUCKETS,
                      h->count, h->sum_us);
    }
}

#define TOKEN_LABELS 3u
#define TOKEN_LABEL_MAX (TOKEN_STATE_TEXT_MAX + 1u)

struct token_label_text {
    char name[TOKEN_LABEL_MAX], module[TOKEN_LABEL_MAX], process[12];
};

static void token_labels(const struct token_state *token, struct token_label_text *text,
                         struct label labels[TOKEN_LABELS])
{
    snprintf(text->name, sizeof text->name, "%.*s", (int)token->name.size, (const char *)token->name.data);
    snprintf(text->module, sizeof text->module, "%.*s", (int)token->module.size,
             (const char *)token->module.data);
    snprintf(text->process, sizeof text->process, "%u", (unsigned)token->replica);
    labels[0] = (struct label){"token", text->name};
    labels[1] = (struct label){"module", text->module};
    labels[2] = (struct label){"process", text->process};
}

/* While a configuration is replaced, a token may have processes of both: the first stands for it. */
static bool token_is_said(const struct token_states *states, size_t at)
{
    const struct token_state *token = &states->tokens[at];
    for (size_t i = 0; i < at; i++) {
        const struct token_state *other = &states->tokens[i];
        if (other->replica == token->replica && sp_span_equal(other->name, token->name) &&
            sp_span_equal(other->module, token->module))
            return true;
    }
    return false;
}

static void token_sample(const struct token_state *token, json_t *samples, uint64_t value)
{
    struct token_label_text text;
    struct label labels[TOKEN_LABELS];
    token_labels(token, &text, labels);
    put_number(sample_add(samples, labels, TOKEN_LABELS), "value", value);
}

static void token_latency(const struct token_state *token, json_t *samples)
{
    struct token_label_text text;
    struct label labels[TOKEN_LABELS];
    uint64_t all = 0;
    token_labels(token, &text, labels);
    for (size_t i = 0; i < TOKEN_LATENCY_BUCKETS; i++)
        all += token->latencies[i];
    histogram_put(sample_add(samples, labels, TOKEN_LABELS), token_latency_limits_us, token->latencies,
                  TOKEN_LATENCY_LIMITS, all, token->latency_us);
}

static void tokens_put(const struct token_states *states, json_t *families)
{
    json_t *ready = family(families, "sallyport_token_ready", "gauge", "", "Whether that token signs.");
    json_t *waiting = family(families, "sallyport_token_waiting", "gauge", "", "Requests for that token.");
    json_t *starts = family(families, "sallyport_token_starts", "counter", "", "Starts of its process.");
    json_t *signatures = family(families, "sallyport_token_signatures", "counter", "", "Its signatures.");
    json_t *failures = family(families, "sallyport_token_failures", "counter", "",
                              "Requests that it failed, and signatures that were no good.");
    json_t *latency = family(families, "sallyport_token_signature_seconds", "histogram", "seconds",
                             "What it took for a signature.");
    for (size_t i = 0; i < states->count; i++) {
        const struct token_state *token = &states->tokens[i];
        if (token_is_said(states, i))
            continue;
        token_sample(token, ready, token->condition == TOKEN_IS_READY);
        token_sample(token, waiting, token->waiting);
        token_sample(token, starts, token->starts);
        token_sample(token, signatures, token->signatures);
        token_sample(token, failures, token->failures);
        token_latency(token, latency);
    }
    plain(families, "sallyport_token_queue", "gauge", "", "Requests that wait, over all tokens.",
          states->queue.waiting);
    json_t *refused = family(families, "sallyport_token_queue_refused", "counter", "",
                             "Requests that had no place (full), or waited for too long (late).");
    labelled(refused, "reason", "full", states->queue.refused_full);
    labelled(refused, "reason", "late", states->queue.refused_late);
}

int answer_metrics(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX])
{
    const struct metrics *metrics = &m->control.observed.metrics;
    json_t *families = json_array();
    (void)asked;
    (void)why;
    server_put(m, families);
    services_put(m, families);
    connections_put(m, families);
    traffic_put(metrics, families);
    refusals_put(&m->control.observed, families);
    handshakes_put(metrics, families);
    logins_put(metrics, families);
    signatures_put(metrics, families);
    tokens_put(&m->token_states, families);
    (void)json_object_set_new(into, "families", families);
    return 0;
}
