/* Generations. Input: configuration files, and the answers of signer and zygote. Output: what connections are served with. */
#include "monitor/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "config/policies.h"

#include "monitor/accept.h"
#include "monitor/keep.h"
#include "monitor/monitor.h"
#include "monitor/on_signer.h"

#define LOAD_TIMEOUT_S 90u
#define CONFIGURE_FIRST_S 1u
#define CONFIGURE_MAX_S 30u

struct generation *generation_find(struct monitor *m, uint64_t number)
{
    struct generation *g = m->generations.list;
    while (g && g->number != number)
        g = g->next;
    return g;
}

static void generation_free(struct generation *g)
{
    cleanup_close(&g->snapshot_fd);
    config_free(g->config);
    config_source_free(g->source);
    free(g->offer);
    free(g->host_keys);
    free(g);
}

static void generation_remove(struct monitor *m, struct generation *g)
{
    struct generation **at = &m->generations.list;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    (void)service_send(&m->signer, forget, .generation = g->number); /* which may not know it (yet) */
    store_drop(m, &g->slot);
    generation_free(g);
}

void generations_free(struct monitor *m)
{
    for (struct generation *g = m->generations.list, *next; g; g = next) {
        next = g->next;
        generation_free(g);
    }
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
    m->generations.configure = sd_event_source_disable_unref(m->generations.configure);
    m->generations.list = m->generations.current = m->generations.loading = NULL;
}

/* ---- loading ----------------------------------------------------------------------------------------------- */

static void load_end(struct monitor *m)
{
    m->generations.loading = NULL;
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
}

static void reload_again(struct monitor *m)
{
    if (!m->generations.again)
        return;
    m->generations.again = false;
    generation_reload(m);
}

/* The old generation stays. At start there is none: then this is the end, and the reason is the last line. */
static void load_refuse(struct monitor *m, const char *who, struct sp_span why)
{
    struct generation *g = m->generations.loading;
    const struct log_field fields[] = {{"refused_by", sp_text(who)}, {"why", why}};
    load_end(m);
    m->generations.refused = true;
    if (g)
        generation_remove(m, g);
    monitor_log(m, NULL, LOG_LEVEL_ERROR, "config_refused", fields, ARRAY_SIZE(fields),
                "Configuration refused%s: %.*s", m->generations.current ? ", the previous one stays" : "",
                (int)why.size, (const char *)why.data);
    if (!m->generations.current) {
        (void)sd_event_exit(m->event, 1);
        return;
    }
    observe_reload_refused(m, who, why);
    notify_ready(m);
    reload_again(m);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    bool at_zygote = m->generations.loading && m->generations.loading->state == GENERATION_PREPARING;
    load_refuse(m, "monitor",
                sp_text(at_zygote ? "the worker service did not answer in time"
                                  : "the signer service did not answer in time"));
    return 0;
}

static struct admission_limits limits_of(const struct config *config)
{
    return (struct admission_limits){.begin = config->startups_begin,
                                     .rate = config->startups_rate,
                                     .full = config->startups_full,
                                     .per_source = config->per_source_max,
                                     .connections = config->max_connections};
}

static int policies_count(const struct config_source *source, const struct config *config, size_t *count)
{
    struct config_policies policies;
    struct config_error unused;
    int r = config_policies_find(source, config, &policies, &unused);
    *count = r == 0 ? policies.count : 0;
    if (r == 0)
        config_policies_free(&policies);
    return r > 0 ? -EINVAL : r;
}

/* Takes *config on success, and *source if connections differ by it. */
static int generation_new(struct monitor *m, struct config_source **source, struct config **config,
                          struct generation **out)
{
    CLEANUP_FREE uint8_t *packed = NULL;
    size_t size, policies;
    int r = config_source_pack(*source, &packed, &size);
    if (r == 0)
        r = policies_count(*source, *config, &policies);
    if (r)
        return r < 0 ? r : -EFBIG;
    CLEANUP_CLOSE int fd = fd_sealed("sallyport-config", sp_span_of(packed, size));
    if (fd < 0)
        return fd;
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    g->number = ++m->generations.last_number;
    g->state = GENERATION_CONFIGURING;
    g->loaded_s = time(NULL);
    g->snapshot_fd = TAKE_FD(fd);
    g->config = TAKE(*config);
    if (policies > 1)
        g->source = TAKE(*source);
    g->limits = limits_of(g->config);
    g->next = m->generations.list;
    m->generations.list = g;
    keep_generation(m, g);
    *out = g;
    return 0;
}

int generation_take_over(struct monitor *m, const struct msg_stored_generation *record,
                         struct config **config, int snapshot_fd, struct generation **out)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    g->number = record->generation;
    g->state = GENERATION_OLD;
    g->loaded_s = (int64_t)record->loaded_s;
    g->snapshot_fd = snapshot_fd;
    g->config = TAKE(*config);
    g->limits = limits_of(g->config);
    if (g->number > m->generations.last_number)
        m->generations.last_number = g->number;
    g->next = m->generations.list;
    m->generations.list = g;
    *out = g;
    return 0;
}

static void configure_send(struct monitor *m, struct generation *g)
{
    bool reload = g == m->generations.loading && m->generations.current;
    (void)service_send_with(&m->signer, &g->snapshot_fd, 1, configure, .generation = g->number,
                            .reload = reload);
}

/* How long it may take until a configuration is in force. 0 or negative. */
static int deadline_set(struct monitor *m)
{
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
    return sd_event_add_time_relative(m->event, &m->generations.deadline, CLOCK_MONOTONIC,
                                      LOAD_TIMEOUT_S * 1000000ull, 0, on_deadline, m);
}

/* One that still waits for its keys gives way to one that may have others. */
static void waiting_drop(struct monitor *m)
{
    struct generation *g = m->generations.loading;
    if (!g || !g->waits)
        return;
    load_end(m);
    notify_waiting_end(m);
    generation_remove(m, g);
}

/* A newer one that cannot be read, while there is none in force: the one that waits may yet be. */
static void waiting_stays(struct monitor *m, const char *why)
{
    const struct log_field fields[] = {{"refused_by", sp_text("monitor")}, {"why", sp_text(why)}};
    m->generations.refused = true;
    monitor_log(m, NULL, LOG_LEVEL_ERROR, "config_refused", fields, ARRAY_SIZE(fields),
                "Configuration refused, the previous one still waits for its host keys: %s", why);
}

int generation_load(struct monitor *m)
{
    struct config_error error;
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct generation *g = NULL;
    m->generations.loads++;
    m->generations.refused = false;
    int r = generation_read(m->options, &source, &config, &error);
    if (r == 0) {
        r = generation_new(m, &source, &config, &g);
        if (r)
            snprintf(error.text, sizeof error.text, "cannot keep the configuration: %s", strerror(-r));
    }
    config_source_free(source);
    config_free(config);
    if (r) {
        if (m->generations.loading)
            waiting_stays(m, error.text);
        else
            load_refuse(m, "monitor", sp_text(error.text));
        return r;
    }
    waiting_drop(m);
    m->generations.loading = g;
    if (!m->generations.current) /* why a first start fails is to be read where the administrator looks */
        log_writer_open(&m->log, g->config->log_format, g->config->log_level, g->config->syslog_facility);
    r = deadline_set(m);
    if (r < 0) {
        load_refuse(m, "monitor", sp_text("no timer"));
        return r;
    }
    configure_send(m, g);
    return 0;
}

void generation_reload(struct monitor *m)
{
    if (m->stopping)
        return;
    if (m->generations.loading && !m->generations.loading->waits) {
        m->generations.again = true; /* one at a time: the zygote serves the last it was given */
        return;
    }
    notify_reloading(m);
    monitor_say(m, NULL, LOG_LEVEL_INFO, "reloading", "Reloading the configuration");
    if (generation_load(m))
        return; /* has said why, and the old one stays */
}

/* ---- use --------------------------------------------------------------------------------------------------- */

struct generation *generation_enter(struct monitor *m)
{
    m->generations.current->users++;
    return m->generations.current;
}

void generation_leave(struct monitor *m, struct generation *g)
{
    if (--g->users == 0 && g->state == GENERATION_OLD)
        generation_remove(m, g);
}

int generation_policy(const struct generation *g, const struct address *remote, const struct address *local,
                      const char *listener, char policy[513])
{
    struct config *config = NULL;
    struct config_error unused;
    const struct config_who who = {.address = remote->text[0] ? remote->text : NULL,
                                   .local_address = local->text[0] ? local->text : NULL,
                                   .local_port = local->port,
                                   .listener = listener[0] ? listener : NULL};
    policy[0] = '\0';
    if (!g->source)
        return 0;
    int r = config_evaluate(g->source, &who, &config, &unused);
    if (r)
        return r < 0 ? r : -EINVAL;
    snprintf(policy, 513, "%s", config_policy_spec(config));
    config_free(config);
    return 0;
}

bool generation_is_served(const struct monitor *m)
{
    const struct generations *all = &m->generations;
    return all->current && all->prepares == 0 && all->zygote_number == all->current->number;
}

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
