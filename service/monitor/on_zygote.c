/*
 * What the zygote says. Input: its answers, and the deaths of its children. It forks workers and could do to a connection
 * what its worker could; it is believed no further than that.
 */
#include "monitor/on_zygote.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/loop.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"

bool connection_serve(struct connection *c, int worker_fd)
{
    const int fds[2] = {c->client_fd, worker_fd};
    char policy[513] = "";
    bool proxied = c->balancer.step == BALANCER_AWAITED; /* whose policy it is, proxied_policy says */
    if (!proxied && generation_policy(c->generation, &c->remote, &c->local, c->listener, policy))
        return false;
    return service_send_with(&c->monitor->zygote, fds, 2, serve, .connection = c->id,
                             .remote_address = sp_text(c->remote.text), .remote_port = c->remote.port,
                             .local_address = sp_text(c->local.text), .local_port = c->local.port,
                             .policy = sp_text(policy), .proxied = proxied);
}

/*
 * A crash may be an attack that has to guess where things are. The zygote exits after it, so that the next worker has
 * another layout; here its source is made to wait. A false report costs the address that it names a few seconds.
 */
static void crash_note(struct connection *c, uint32_t status)
{
    char number[12];
    int signal_number = WTERMSIG((int)status);
    snprintf(number, sizeof number, "%d", signal_number);
    const struct log_field fields[] = {{"signal", sp_text(number)}};
    observe_crash(c, signal_number);
    monitor_log(c->monitor, c, LOG_LEVEL_ERROR, "worker_crashed", fields, ARRAY_SIZE(fields),
                "The worker of %s port %u died of signal %d (%s)", c->remote.text, c->remote.port,
                signal_number, strsignal(signal_number));
    if (!c->end.word)
        c->end.word = "worker_crashed";
    /* One that was served before its balancer had said whose it is makes nobody wait: all others come through there too. */
    if (c->balancer.step != BALANCER_AWAITED)
        admission_penalise(&c->monitor->admission, &c->source, clock_ms());
}

/*
 * Only to be handed back: whatever it is, the zygote can do nothing with it that it could not do anyway.
 */
static void on_worker_started(struct monitor *m, const union msg_body *body)
{
    struct connection *c = connection_find(m, body->worker_started.connection);
    if (!c)
        return; /* gone already; the inbox closes it */
    cleanup_close(&c->process_fd);
    c->process_fd = link_take_fd(m->inbox, 0);
}

static void stops_sweep(struct worker_stops *stops)
{
    for (size_t i = 0; i < stops->count;) {
        struct pollfd ended = {.fd = stops->list[i].process_fd, .events = POLLIN};
        if (poll(&ended, 1, 0) != 1) {
            i++;
            continue;
        }
        close(stops->list[i].process_fd);
        stops->list[i] = stops->list[--stops->count];
    }
}

/* An honest worker ends by itself. One that somebody has taken over must not outlive its end because there is no zygote now. */
static void stop_later(struct monitor *m, uint64_t connection, int process_fd)
{
    struct worker_stops *stops = &m->unstopped;
    if (stops->count == WORKER_STOPS_MAX)
        stops_sweep(stops);
    if (stops->count == WORKER_STOPS_MAX) {
        close(process_fd);
        return;
    }
    stops->list[stops->count++] = (struct worker_stop){connection, process_fd};
}

void worker_stops_close(struct worker_stops *stops)
{
    while (stops->count != 0)
        close(stops->list[--stops->count].process_fd);
}

void connection_stop_worker(struct connection *c)
{
    struct monitor *m = c->monitor;
    if (c->process_fd < 0)
        (void)service_send(&m->zygote, stop_worker, .connection = c->id);
    else if (!service_send_with(&m->zygote, &c->process_fd, 1, stop_process, .connection = c->id))
        stop_later(m, c->id, TAKE_FD(c->process_fd));
}

static void on_connected(struct monitor *m)
{
    struct worker_stops *stops = &m->unstopped;
    stops_sweep(stops);
    while (stops->count != 0) {
        const struct worker_stop *stop = &stops->list[stops->count - 1];
        if (!service_send_with(&m->zygote, &stop->process_fd, 1, stop_process,
                               .connection = stop->connection))
            return; /* lost again: the next one is told */
        close(stops->list[--stops->count].process_fd);
    }
    generations_zygote_connected(m);
}

/* Its link says more reliably that it has gone; this says how. */
static void on_worker_exited(struct monitor *m, const union msg_body *body)
{
    struct connection *c = connection_find(m, body->worker_exited.connection);
    if (!c)
        return;
    c->worker_exited = true;
    if (WIFSIGNALED((int)body->worker_exited.status))
        crash_note(c, body->worker_exited.status);
    if (c->timer_kind == TIMER_REAP)
        connection_finish(c);
}

static void on_prepared(struct monitor *m, const union msg_body *body)
{
    generation_prepared(m, body->prepared.generation);
}

static void on_unprepared(struct monitor *m, const union msg_body *body)
{
    generation_unprepared(m, body->unprepared.generation, body->unprepared.why);
}

static const struct service_handler handlers[] = {
    {MSG_prepared, on_prepared},
    {MSG_unprepared, on_unprepared},
    {MSG_worker_started, on_worker_started},
    {MSG_worker_exited, on_worker_exited},
};

const struct service_kind zygote_kind = {
    .name = "worker",
    .socket = "worker.sock",
    .role = ROLE_ZYGOTE,
    .priority = SD_EVENT_PRIORITY_NORMAL,
    .handlers = handlers,
    .handler_count = ARRAY_SIZE(handlers),
    .on_connected = on_connected,
    .on_lost = generations_zygote_lost,
};
