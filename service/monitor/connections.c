/* The connection table: making, finding, moving and freeing. How a connection ends is in connection_end.c. */
#include "monitor/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/loop.h"

#include "monitor/keep.h"
#include "monitor/monitor.h"
#include "monitor/on_connection.h"

static size_t bucket_of(uint64_t id)
{
    return (size_t)(id % CONNECTION_BUCKETS); /* ids count up */
}

struct connection *connection_find(struct monitor *m, uint64_t id)
{
    struct connection *c = m->connections.buckets[bucket_of(id)];
    while (c && c->id != id)
        c = c->bucket_next;
    return c;
}

static void table_add(struct connections *table, struct connection *c)
{
    struct connection **bucket = &table->buckets[bucket_of(c->id)];
    c->bucket_next = *bucket;
    *bucket = c;
    c->next = table->first;
    if (table->first)
        table->first->previous = c;
    table->first = c;
    table->count++;
}

static void table_remove(struct connections *table, struct connection *c)
{
    struct connection **at = &table->buckets[bucket_of(c->id)];
    while (*at != c)
        at = &(*at)->bucket_next;
    *at = c->bucket_next;
    *(c->previous ? &c->previous->next : &table->first) = c->next;
    if (c->next)
        c->next->previous = c->previous;
    table->count--;
}

static void connection_release(struct connection *c)
{
    c->timer = sd_event_source_disable_unref(c->timer);
    watch_close(&c->worker);
    watch_close(&c->session);
    cleanup_close(&c->client_fd);
    cleanup_close(&c->process_fd);
    cleanup_close(&c->record_fd);
    c->client_fd = c->process_fd = c->record_fd = -1;
    if (c->sign.transcript)
        explicit_bzero(c->sign.transcript, c->sign.size);
    free(c->sign.transcript);
    free((void *)(uintptr_t)c->host_key.data);
    free((void *)(uintptr_t)c->negotiated.data);
    free((void *)(uintptr_t)c->client_kexinit.data);
    free((void *)(uintptr_t)c->policy.data);
    free(c->user);
    free(c->end.text);
    c->sign = (struct connection_sign){0};
    c->host_key = c->negotiated = c->client_kexinit = c->policy = (struct sp_span){0};
    c->user = c->end.text = NULL;
}

void connection_free(struct connection *c)
{
    connection_release(c);
    free(c);
}

/* Freed between two turns of the loop, so that a handler may end its own connection. */
static int on_reap(sd_event_source *source, void *context)
{
    struct monitor *m = context;
    (void)source;
    while (m->connections.dead) {
        struct connection *c = m->connections.dead;
        m->connections.dead = c->next;
        free(c);
    }
    monitor_exit_if_done(m);
    return 0;
}

void connection_finish(struct connection *c)
{
    struct monitor *m = c->monitor;
    if (c->gone)
        return;
    c->gone = true;
    /* A worker of ours ends when its link does; one that is no more ours must not live on with the client's socket. */
    if (!c->worker_exited)
        connection_stop_worker(c);
    on_connection_finished(c);
    watch_end(&c->worker);
    watch_end(&c->session);
    store_drop(m, &c->slot);
    table_remove(&m->connections, c);
    admission_leave(connection_admission(c), &c->ticket, clock_ms());
    m->admission.connections--;
    connection_release(c);
    generation_leave(m, c->generation);
    c->generation = NULL;
    c->next = m->connections.dead;
    m->connections.dead = c;
    (void)sd_event_source_set_enabled(m->connections.reaper, SD_EVENT_ONESHOT);
    monitor_update(m);
}

int connections_init(struct monitor *m)
{
    /* Ids are told apart in logs across restarts: they start anywhere, and count. */
    if (getrandom(&m->connections.last_id, sizeof m->connections.last_id, 0) != sizeof m->connections.last_id)
        return -EIO;
    int r = sd_event_add_defer(m->event, &m->connections.reaper, on_reap, m);
    return r < 0 ? r : sd_event_source_set_enabled(m->connections.reaper, SD_EVENT_OFF);
}

void connections_free(struct monitor *m)
{
    struct connections *table = &m->connections;
    for (struct connection *c = table->first, *next; c; c = next) {
        next = c->next;
        connection_free(c);
    }
    for (struct connection *c = table->dead, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    table->first = table->dead = NULL;
    table->reaper = sd_event_source_disable_unref(table->reaper);
}

static uint64_t id_next(struct connections *table)
{
    if (++table->last_id == 0) /* no connection */
        ++table->last_id;
    return table->last_id;
}

static int worker_watch(struct connection *c, int fd)
{
    int r =
        watch_open(&c->worker, c->monitor->event, fd, ROLE_WORKER, SD_EVENT_PRIORITY_NORMAL, on_worker_io, c);
    if (r == 0)
        r = watch_limit(&c->worker, CONNECTION_TURNS_MS, CONNECTION_TURNS);
    if (r)
        watch_close(&c->worker);
    return r;
}

int connection_open_worker(struct connection *c, int *worker_fd)
{
    int pair[2];
    int r = link_pair(pair);
    if (r)
        return r;
    r = worker_watch(c, pair[0]);
    if (r) {
        close(pair[1]);
        return r;
    }
    *worker_fd = pair[1];
    return 0;
}

struct admission *connection_admission(struct connection *c)
{
    return c->balancer.step == BALANCER_AWAITED ? &c->monitor->awaited : &c->monitor->admission;
}

int connection_new(struct monitor *m, int client_fd, const struct address *remote,
                   const struct address *local, const struct address_block *source,
                   const struct listener *listener, struct connection **out, int *worker_fd)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->monitor = m;
    c->worker.link.fd = c->session.link.fd = c->client_fd = c->process_fd = c->record_fd = -1;
    c->balancer.step = listener->is_proxied ? BALANCER_AWAITED : BALANCER_NONE;
    int r = admission_enter(connection_admission(c), source, &c->ticket);
    if (r == 0)
        r = connection_open_worker(c, worker_fd);
    if (r) {
        admission_leave(connection_admission(c), &c->ticket, clock_ms());
        free(c);
        return r;
    }
    c->generation = generation_enter(m);
    c->id = id_next(&m->connections);
    c->since_ms = clock_ms();
    c->known.since_s = (int64_t)time(NULL);
    c->phase = PHASE_START;
    c->client_fd = client_fd;
    c->source = *source;
    c->remote = *remote;
    c->local = *local;
    memcpy(c->listener, listener->name, sizeof c->listener);
    m->admission.connections++;
    table_add(&m->connections, c);
    *out = c;
    return 0;
}

int connection_take_over(struct monitor *m, struct connection *c, int worker_fd, int session_fd)
{
    c->monitor = m;
    int r = worker_watch(c, worker_fd);
    if (r == 0)
        r = connection_watch_login(c, session_fd);
    else
        close(session_fd);
    if (r)
        return r;
    c->generation->users++;
    m->admission.connections++;
    if (c->id > m->connections.last_id)
        m->connections.last_id = c->id;
    table_add(&m->connections, c);
    return 0;
}

void connection_move(struct connection *c, enum ipc_phase phase)
{
    if (c->phase == phase)
        return;
    monitor_say(c->monitor, c, LOG_LEVEL_DEBUG, "phase", "%s -> %s", phase_name(c->phase), phase_name(phase));
    c->phase = phase;
    if (phase == PHASE_LOGIN)
        admission_leave(&c->monitor->admission, &c->ticket, clock_ms());
    keep_phase(c);
}

void connection_wait(struct connection *c, enum connection_timer kind, uint64_t after_ms)
{
    c->timer = sd_event_source_disable_unref(c->timer);
    c->timer_kind = kind;
    if (kind == TIMER_NONE)
        return;
    /* Coarse on purpose (250 ms): thousands of timers then wake us together. */
    int r = sd_event_add_time_relative(c->monitor->event, &c->timer, CLOCK_MONOTONIC, after_ms * 1000, 250000,
                                       on_connection_timer, c);
    if (r < 0) /* what cannot be waited for may not stay */
        connection_finish(c);
}

void connection_wait_grace(struct connection *c)
{
    uint64_t grace_ms = (uint64_t)c->generation->config->login_grace_s * 1000;
    if (c->balancer.step == BALANCER_AWAITED && (grace_ms == 0 || grace_ms > BALANCER_HEADER_MS))
        grace_ms = BALANCER_HEADER_MS;
    uint64_t spent_ms = clock_ms() - c->since_ms;
    if (grace_ms == 0)
        connection_wait(c, TIMER_NONE, 0);
    else
        connection_wait(c, TIMER_GRACE, spent_ms < grace_ms ? grace_ms - spent_ms : 0);
}
