/* Loading a generation. Input: configuration files, and records of an earlier monitor. Output: one that signer and zygote are
 * asked about; or a refusal. */
#include "monitor/generation_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "config/policies.h"

#include "monitor/keep.h"
#include "monitor/monitor.h"

#define LOAD_TIMEOUT_S 90u

void load_end(struct monitor *m)
{
    m->generations.loading = NULL;
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
}

void reload_again(struct monitor *m)
{
    if (!m->generations.again)
        return;
    m->generations.again = false;
    generation_reload(m);
}

/* The old generation stays. At start there is none: then this is the end, and the reason is the last line. */
void load_refuse(struct monitor *m, const char *who, struct sp_span why)
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

void configure_send(struct monitor *m, struct generation *g)
{
    bool reload = g == m->generations.loading && m->generations.current;
    (void)service_send_with(&m->signer, &g->snapshot_fd, 1, configure, .generation = g->number,
                            .reload = reload);
}

/* How long it may take until a configuration is in force. 0 or negative. */
int deadline_set(struct monitor *m)
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
