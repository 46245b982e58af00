/* What the whole server does, and what came to nothing lately, for who asks. Facts only: what they come to, the tool says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/listen.h"
#include "base/loop.h"

#include "monitor/control_answers.h"
#include "monitor/monitor.h"

#define FAILURES_PAGE_OCTETS 500000u

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- status ------------------------------------------------------------------------------------------------ */

static void listeners_describe(const struct monitor *m, json_t *into)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < m->listeners.sockets.count; i++) {
        const struct listener *listener = &m->listeners.each[i];
        char text[LISTEN_TEXT_MAX];
        json_t *row = json_object();
        listen_text(m->listeners.sockets.fds[i], text, sizeof text);
        put_string(row, "address", text);
        if (listener->name[0])
            put_string(row, "name", listener->name);
        (void)json_object_set_new(row, "proxied", json_boolean(listener->is_proxied));
        (void)json_array_append_new(rows, row);
    }
    (void)json_object_set_new(into, "listeners", rows);
    (void)json_object_set_new(into, "handed_over", json_boolean(m->listeners.handed_over));
    (void)json_object_set_new(into, "accepting", json_boolean(m->listeners.open && !m->listeners.pause));
}

static void configuration_describe(const struct monitor *m, json_t *into)
{
    const struct generation *g = m->generations.current;
    const struct refused_reload *refused = &m->control.observed.refused;
    json_t *row = json_object();
    if (g) {
        put_number(row, "generation", g->number);
        put_time(row, "loaded", g->loaded_s);
        put_string(row, "policy", g->policy);
        put_string(row, "digest", g->digest);
        put_string(row, "policy_mode", g->config->policy_report[0] ? "report" : "enforce");
        (void)json_object_set_new(row, "at_signer", json_boolean(g->at_signer));
        (void)json_object_set_new(row, "served", json_boolean(generation_is_served(m)));
    }
    const struct generation *loading = m->generations.loading;
    (void)json_object_set_new(row, "loading", json_boolean(loading && !loading->waits));
    (void)json_object_set_new(row, "waits", json_boolean(loading && loading->waits));
    if (refused->at_s != 0) {
        json_t *last = json_object();
        put_time(last, "at", refused->at_s);
        put_string(last, "by", refused->by);
        put_string(last, "why", refused->why);
        (void)json_object_set_new(last, "is_last", json_boolean(refused->is_last));
        (void)json_object_set_new(row, "refused", last);
    }
    (void)json_object_set_new(into, "configuration", row);
}

static void services_describe(const struct monitor *m, json_t *into)
{
    const struct service *services[] = {&m->signer, &m->zygote, &m->acceptor};
    json_t *rows = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        const struct service *s = services[i];
        json_t *row = json_object();
        put_string(row, "service", s->kind ? s->kind->name : "");
        (void)json_object_set_new(row, "connected", json_boolean(watch_is_open(&s->watch)));
        put_number(row, "connects", s->connects);
        if (s->lost_s != 0) {
            put_time(row, "lost", s->lost_s);
            put_string(row, "why", s->lost_why);
        }
        (void)json_array_append_new(rows, row);
    }
    (void)json_object_set_new(into, "services", rows);
}

/* Each key of the configuration in force, and whether some token would sign with it now: what is not known is left out. */
static void keys_describe(const struct monitor *m, json_t *into)
{
    const struct generation *g = m->generations.current;
    struct sp_in in =
        sp_in_of(sp_span_of(g ? g->host_keys : NULL, g && g->host_keys ? g->host_keys_size : 0));
    json_t *rows = json_array();
    while (in.left != 0 && !in.bad) {
        json_t *row = json_object();
        bool staged = sp_get_u8(&in) != 0;
        struct sp_span fingerprint = sp_get_text(&in, 512), algorithms = sp_get_text(&in, 512);
        (void)sp_get_text(&in, 512);
        (void)sp_get_u32(&in);
        struct sp_span uri = sp_get_text(&in, 512), token_uri = sp_get_text(&in, 512);
        enum token_key_ability ability = token_states_key(&m->token_states, fingerprint, token_uri);
        (void)json_object_set_new(row, "staged", json_boolean(staged));
        put_text(row, "fingerprint", fingerprint);
        (void)json_object_set_new(row, "algorithms", names_list(algorithms));
        put_text(row, "uri", uri);
        if (ability != TOKEN_KEY_UNKNOWN)
            (void)json_object_set_new(row, "can_sign", json_boolean(ability == TOKEN_KEY_CAN));
        if (!in.bad)
            (void)json_array_append(rows, row);
        json_decref(row);
    }
    (void)json_object_set_new(into, "keys", rows);
}

void connections_count(const struct monitor *m, json_t *into)
{
    static const enum ipc_phase phases[] = {PHASE_START, PHASE_READY, PHASE_AUTH, PHASE_LOGIN, PHASE_CLOSING};
    uint64_t counts[ARRAY_SIZE(phases)] = {0};
    for (const struct connection *c = m->connections.first; c; c = c->next)
        for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
            counts[i] += c->phase == phases[i] ? 1 : 0;
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
        put_number(into, phase_name(phases[i]), counts[i]);
}

static void limits_describe(const struct monitor *m, json_t *into)
{
    const struct generation *g = m->generations.current;
    json_t *row = json_object();
    put_number(row, "startups", m->admission.startups);
    put_number(row, "connections", m->connections.count);
    put_number(row, "penalties", admission_penalised(&m->admission, clock_ms()));
    if (g) {
        put_number(row, "startups_begin", g->limits.begin);
        put_number(row, "startups_rate", g->limits.rate);
        put_number(row, "startups_full", g->limits.full);
        put_number(row, "per_source", g->limits.per_source);
        put_number(row, "connections_max", g->limits.connections);
    }
    (void)json_object_set_new(into, "limits", row);
}

int answer_status(struct monitor *m, const struct control_asked *asked, json_t *into,
                  char why[CONTROL_WHY_MAX])
{
    json_t *phases = json_object(), *queue = json_object();
    (void)asked;
    (void)why;
    put_string(into, "version", SALLYPORT_VERSION);
    put_number(into, "pid", (uint64_t)getpid());
    put_time(into, "since", m->control.observed.since_s);
    (void)json_object_set_new(into, "started", json_boolean(m->started));
    (void)json_object_set_new(into, "stopping", json_boolean(m->stopping));
    listeners_describe(m, into);
    configuration_describe(m, into);
    services_describe(m, into);
    (void)json_object_set_new(into, "tokens_known", json_boolean(m->token_states.known));
    tokens_describe(&m->token_states, into);
    keys_describe(m, into);
    put_number(queue, "waiting", m->token_states.queue.waiting);
    put_number(queue, "refused_full", m->token_states.queue.refused_full);
    put_number(queue, "refused_late", m->token_states.queue.refused_late);
    (void)json_object_set_new(into, "queue", queue);
    connections_count(m, phases);
    (void)json_object_set_new(into, "connections", phases);
    limits_describe(m, into);
    put_number(into, "failures_last_hour", failures_recent(&m->control.observed.failures, now_ms()));
    return 0;
}

/* ---- failures ---------------------------------------------------------------------------------------------- */

static void put_time_ms(json_t *into, const char *key, int64_t ms)
{
    char text[48], seconds[32];
    time_t at = (time_t)(ms / 1000);
    struct tm parts;
    if (!gmtime_r(&at, &parts) || strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return;
    snprintf(text, sizeof text, "%s.%03dZ", seconds, (int)(ms % 1000));
    put_string(into, key, text);
}

static json_t *failure_describe(const struct failure *failure)
{
    json_t *row = json_object();
    put_time_ms(row, "time", failure->at_ms);
    put_string(row, "stage", failure_stage_word(failure->stage));
    put_string(row, "address", failure->remote.text);
    put_number(row, "port", failure->remote.port);
    if (failure->connection != 0)
        put_id(row, "connection", failure->connection);
    if (failure->user[0])
        put_string(row, "user", failure->user);
    if (failure->method[0])
        put_string(row, "method", failure->method);
    put_string(row, "reason", failure->reason);
    return row;
}

static bool count_read(struct sp_span text, uint32_t *count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || text.size > 6)
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *count = value;
    return value != 0;
}

/* Oldest first, at most so many; of more than one answer takes, the oldest are left out. */
static size_t failures_describe(const struct failures *f, uint32_t most, json_t *rows)
{
    uint32_t skip = f->count > most ? f->count - most : 0;
    size_t octets = 0, left_out = 0;
    for (const struct failure *failure = f->oldest; failure; failure = failure->next) {
        if (skip != 0) {
            skip--;
            continue;
        }
        json_t *row = failure_describe(failure);
        octets += json_dumpb(row, NULL, 0, JSON_COMPACT);
        (void)json_array_append_new(rows, row);
        for (; octets > FAILURES_PAGE_OCTETS; left_out++) {
            octets -= json_dumpb(json_array_get(rows, 0), NULL, 0, JSON_COMPACT);
            (void)json_array_remove(rows, 0);
        }
    }
    return left_out;
}

/* argument: how many at most, "" for all that are remembered. */
int answer_failures(struct monitor *m, const struct control_asked *asked, json_t *into,
                    char why[CONTROL_WHY_MAX])
{
    const struct failures *f = &m->control.observed.failures;
    uint32_t most = FAILURES_MAX;
    if (asked->argument.size != 0 && !count_read(asked->argument, &most))
        return control_unanswered(why, "expected a number from 1 to 999999");
    json_t *rows = json_array(), *stages = json_object();
    for (size_t i = 0; i < FAILURE_STAGES; i++)
        put_number(stages, failure_stage_word((enum failure_stage)i), f->by_stage[i]);
    put_number(into, "total", f->total);
    put_number(into, "last_hour", failures_recent(f, now_ms()));
    put_number(into, "crowded_out", f->crowded_out);
    put_number(into, "left_out", failures_describe(f, most, rows));
    (void)json_object_set_new(into, "by_stage", stages);
    (void)json_object_set_new(into, "failures", rows);
    return 0;
}
