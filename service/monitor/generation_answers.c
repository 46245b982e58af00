/* What signer and zygote say of generations. Input: their answers. Output: the generation that is in force. */
#include "monitor/generation_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor/accept.h"
#include "monitor/monitor.h"
#include "monitor/on_signer.h"

#define CONFIGURE_FIRST_S 1u
#define CONFIGURE_MAX_S 30u

static void prepare_send(struct monitor *m, const struct generation *g)
{
    if (service_send_with(&m->zygote, &g->snapshot_fd, 1, prepare, .generation = g->number,
                          .offer = sp_span_of(g->offer, g->offer_size)))
        m->generations.prepares++;
    monitor_update(m);
}

/* ---- the signer -------------------------------------------------------------------------------------------- */

void generations_signer_connected(struct monitor *m)
{
    for (struct generation *g = m->generations.list, *next; g; g = next) {
        next = g->next;
        if (g->state == GENERATION_OLD && g->users == 0)
            generation_remove(m, g); /* came back from the store, and no connection with it */
        else
            configure_send(m, g);
    }
}

void generations_signer_lost(struct monitor *m)
{
    m->generations.configure = sd_event_source_disable_unref(m->generations.configure);
    for (struct generation *g = m->generations.list; g; g = g->next)
        g->at_signer = false;
}

static int offer_keep(struct generation *g, struct sp_span offer)
{
    uint8_t *copy = malloc(offer.size + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, offer.data, offer.size);
    free(g->offer);
    g->offer = copy;
    g->offer_size = offer.size;
    return 0;
}

/* For who asks; without memory there is nothing to tell. */
void generation_host_keys(struct monitor *m, uint64_t number, struct sp_span keys)
{
    struct generation *g = generation_find(m, number);
    uint8_t *copy = g ? malloc(keys.size + 1) : NULL;
    if (!copy)
        return;
    if (keys.size != 0)
        memcpy(copy, keys.data, keys.size);
    free(g->host_keys);
    g->host_keys = copy;
    g->host_keys_size = keys.size;
}

/* The zygote has as long as after any other answer. What a former monitor's connections need is not what the start waits for. */
static void waiting_ends(struct monitor *m, struct generation *g)
{
    g->waits = false;
    if (g != m->generations.loading)
        return;
    notify_waiting_end(m);
    if (deadline_set(m) < 0)
        monitor_say(m, NULL, LOG_LEVEL_WARNING, "no_memory", "The configuration has no deadline: no timer");
}

/*
 * The offer is the signer's to make: it alone refuses to sign what it did not offer, so a false one would only harm
 * itself. It is not read here.
 */
void generation_configured(struct monitor *m, const struct msg_configured *configured)
{
    struct generation *g = generation_find(m, configured->generation);
    struct sp_span offer = configured->offer;
    if (!g)
        return;
    bool same = g->offer && sp_span_equal(offer, sp_span_of(g->offer, g->offer_size));
    if (!same && offer_keep(g, offer)) {
        service_lose(&m->signer, "was not understood: out of memory");
        return;
    }
    snprintf(g->policy, sizeof g->policy, "%.*s", (int)configured->policy.size,
             (const char *)configured->policy.data);
    snprintf(g->digest, sizeof g->digest, "%.*s", (int)configured->digest.size,
             (const char *)configured->digest.data);
    g->at_signer = true;
    g->refusals = 0;
    if (g->state == GENERATION_CONFIGURING)
        g->state = GENERATION_PREPARING;
    if (g->waits)
        waiting_ends(m, g);
    /* A signer that came back with fewer keys or more, or keys that have been found since: new connections are to be offered
     * what it can do now. */
    if (!same && (g->state == GENERATION_PREPARING || g->state == GENERATION_CURRENT))
        prepare_send(m, g);
    signatures_resend(m, g);
}

static int on_configure_again(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    m->generations.configure = sd_event_source_disable_unref(m->generations.configure);
    for (struct generation *g = m->generations.list; g; g = g->next)
        if (!g->at_signer && g != m->generations.loading)
            configure_send(m, g);
    return 0;
}

/* A signer that was started anew refuses what it had accepted before: its token is away. It is asked again until it is
 * back; meanwhile what waits for signatures waits, within the grace time. */
static void configure_later(struct monitor *m, struct generation *g, struct sp_span why)
{
    const struct log_field fields[] = {{"why", why}};
    unsigned shift = g->refusals < 5 ? g->refusals : 5;
    uint64_t delay_s = CONFIGURE_FIRST_S << shift;
    if (g->refusals++ == 0)
        monitor_log(m, NULL, LOG_LEVEL_ERROR, "signer_refused", fields, ARRAY_SIZE(fields),
                    "The signer cannot use the configuration it used before: %.*s", (int)why.size,
                    (const char *)why.data);
    if (m->generations.configure)
        return;
    if (delay_s > CONFIGURE_MAX_S)
        delay_s = CONFIGURE_MAX_S;
    int r = sd_event_add_time_relative(m->event, &m->generations.configure, CLOCK_MONOTONIC,
                                       delay_s * 1000000, 0, on_configure_again, m);
    if (r < 0)
        service_lose(&m->signer, "cannot be asked again");
}

/*
 * No host key can sign yet, and the signer goes on looking. Without a configuration in force there is nobody to serve: it is
 * said, to the service manager as well, and nobody is told that we are ready. With one that a former signer had accepted, what
 * waits for signatures waits on.
 */
static void generation_wait(struct monitor *m, struct generation *g, struct sp_span why)
{
    const struct log_field fields[] = {{"why", why}};
    const char *what = g->state == GENERATION_OLD ? "Connections of an earlier configuration get no new keys"
                       : m->generations.current   ? "No connection can begin"
                                                  : "The service does not begin";
    g->waits = true;
    monitor_log(m, NULL, LOG_LEVEL_ERROR, "keys_awaited", fields, ARRAY_SIZE(fields),
                "%s as long as no host key can sign: %.*s; it is looked for again and again", what,
                (int)why.size, (const char *)why.data);
    if (g != m->generations.loading)
        return;
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
    notify_waiting(m, why);
}

void generation_unconfigured(struct monitor *m, const struct msg_unconfigured *unconfigured)
{
    struct generation *g = generation_find(m, unconfigured->generation);
    if (!g)
        return;
    g->at_signer = false;
    bool first = g == m->generations.loading && !m->generations.current;
    if (unconfigured->waits && (first || g != m->generations.loading))
        generation_wait(m, g, unconfigured->why);
    else if (g == m->generations.loading)
        load_refuse(m, "signer", unconfigured->why);
    else
        configure_later(m, g, unconfigured->why);
}

/* ---- the zygote -------------------------------------------------------------------------------------------- */

void generations_zygote_connected(struct monitor *m)
{
    m->generations.prepares = 0;
    m->generations.zygote_number = 0;
    if (m->generations.current)
        prepare_send(m, m->generations.current);
    if (m->generations.loading && m->generations.loading->state == GENERATION_PREPARING)
        prepare_send(m, m->generations.loading);
}

void generations_zygote_lost(struct monitor *m)
{
    m->generations.prepares = 0;
    m->generations.zygote_number = 0;
    monitor_update(m);
}

static void generation_make_current(struct monitor *m, struct generation *g)
{
    struct generation *old = m->generations.current;
    load_end(m);
    g->state = GENERATION_CURRENT;
    m->generations.current = g;
    observe_configured(m, old != NULL);
    if (old)
        old->state = GENERATION_OLD;
    log_writer_open(&m->log, g->config->log_format, g->config->log_level, g->config->syslog_facility);
    listeners_configure(m, g->config);
    monitor_say(m, NULL, LOG_LEVEL_INFO, "config_loaded", "Configuration generation %llu is in force",
                (unsigned long long)g->number);
    if (old && old->users == 0)
        generation_remove(m, old);
    notify_ready(m);
}

/* What the signer has not agreed to has not been given to the zygote, whose word could else put it in force. */
static bool zygote_lies_of(struct monitor *m, const struct generation *g)
{
    bool lies = g && g->state == GENERATION_CONFIGURING;
    if (lies)
        service_lose(&m->zygote, "answered what it was not asked");
    return lies;
}

void generation_prepared(struct monitor *m, uint64_t number)
{
    struct generation *g = generation_find(m, number);
    if (zygote_lies_of(m, g))
        return;
    if (m->generations.prepares != 0)
        m->generations.prepares--;
    m->generations.zygote_number = number;
    if (g && g == m->generations.loading)
        generation_make_current(m, g);
    /* One that was given up while it was on its way: back to the one in force. */
    if (!m->generations.loading && m->generations.prepares == 0 && m->generations.current &&
        number != m->generations.current->number)
        prepare_send(m, m->generations.current);
    if (generation_is_served(m))
        clients_serve_again(m);
    monitor_update(m);
    if (!m->generations.loading)
        reload_again(m);
}

void generation_unprepared(struct monitor *m, uint64_t number, struct sp_span why)
{
    struct generation *g = generation_find(m, number);
    if (zygote_lies_of(m, g))
        return;
    if (m->generations.prepares != 0)
        m->generations.prepares--;
    if (g && g == m->generations.loading) {
        load_refuse(m, "worker", why);
        monitor_update(m);
        return;
    }
    /* A fresh zygote that cannot do what its predecessor did: it is started again, with back-off. */
    const struct log_field fields[] = {{"why", why}};
    monitor_log(m, NULL, LOG_LEVEL_ERROR, "zygote_refused", fields, ARRAY_SIZE(fields),
                "The worker service cannot serve the configuration it served before: %.*s", (int)why.size,
                (const char *)why.data);
    service_lose(&m->zygote, "is of no use");
}
