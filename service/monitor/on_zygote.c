/*
 * What the zygote says. Input: its answers, and the deaths of its children. It forks workers and could do to a connection
 * what its worker could; it is believed no further than that.
 */
#include "monitor/on_zygote.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

void connection_stop_worker(struct connection *c)
{
    if (c->process_fd < 0)
        (void)service_send(&c->monitor->zygote, stop_worker, .connection = c->id);
    else
        (void)service_send_with(&c->monitor->zygote, &c->process_fd, 1, stop_process, .connection = c->id);
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
    .on_connected = generations_zygote_connected,
    .on_lost = generations_zygote_lost,
};
