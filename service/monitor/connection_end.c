/* How a connection ends, whoever begins it: the client, its worker, its login process, the clock, or we. */
#include <stdlib.h>

#include "base/loop.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"

#define LINGER_MS 5000u
#define ENDING_MS 5000u
#define REAP_MS 3000u

/*
 * Before login the login process may be anywhere in a PAM module, so the acceptor is asked to kill it. After login it
 * sees that both its links are closed, and does what PAM wants to be done at the end.
 */
void connection_drop_login(struct connection *c)
{
    if (c->login_started && c->ticket.source)
        (void)service_send(&c->monitor->acceptor, stop_login, .connection = c->id);
    c->login_started = false;
    watch_end(&c->session);
}

void connection_end(struct connection *c, uint32_t reason, struct sp_span text, const char *word)
{
    if (c->gone || (c->phase == PHASE_CLOSING && c->timer_kind != TIMER_LINGER))
        return;
    if (!c->end.word)
        c->end.word = word;
    connection_abandon_sign(c);
    connection_move(c, PHASE_CLOSING);
    /* Before its login process goes, of which it would have something to say by itself. */
    bool told = watch_is_open(&c->worker) && watch_send(&c->worker, end, .reason = reason, .text = text) == 0;
    connection_drop_login(c);
    if (!told) {
        connection_worker_gone(c);
        return;
    }
    connection_wait(c, TIMER_ENDING, ENDING_MS);
}

/* The process behind that link is not what we started any more. It is not asked for anything: its link is closed, and
 * the zygote, its parent, kills it. */
void connection_illegal(struct connection *c, const char *complaint)
{
    const struct log_field fields[] = {{"complaint", sp_text(complaint)}};
    if (c->gone)
        return;
    observe_illegal(c, complaint);
    monitor_log(c->monitor, c, LOG_LEVEL_ERROR, "illegal", fields, ARRAY_SIZE(fields), "Connection ended: %s",
                complaint);
    if (!c->end.word)
        c->end.word = "illegal";
    connection_drop_login(c);
    connection_finish(c);
}

void connection_worker_gone(struct connection *c)
{
    if (c->gone)
        return;
    watch_end(&c->worker);
    connection_abandon_sign(c);
    connection_drop_login(c);
    if (c->end.said || c->worker_exited || c->timer_kind == TIMER_REAP) {
        connection_finish(c);
        return;
    }
    /* It died without a word: how, the zygote says. If it never lived, it stays in START (clients_serve_again()). */
    if (c->client_fd < 0)
        connection_move(c, PHASE_CLOSING);
    connection_wait(c, TIMER_REAP, REAP_MS);
}

static void on_header_missed(struct connection *c)
{
    observe_timeout(c, "no PROXY protocol header from the balancer");
    monitor_say(c->monitor, c, LOG_LEVEL_INFO, "timeout",
                "No PROXY protocol header in time from balancer %s port %u on %s port %u", c->remote.text,
                c->remote.port, c->local.text, c->local.port);
    connection_end(c, DISCONNECT_BY_APPLICATION, sp_text("No PROXY protocol header came in time"),
                   "no_proxy_header");
}

static void on_grace_over(struct connection *c)
{
    if (c->balancer.step == BALANCER_AWAITED) {
        on_header_missed(c);
        return;
    }
    observe_timeout(c, "no login within LoginGraceTime");
    monitor_say(c->monitor, c, LOG_LEVEL_INFO, "timeout", "Timeout before authentication for %s port %u",
                c->remote.text, c->remote.port);
    connection_end(c, DISCONNECT_BY_APPLICATION, sp_text("Login grace time exceeded"), "grace_time");
}

static void on_ending_over(struct connection *c)
{
    monitor_say(c->monitor, c, LOG_LEVEL_WARNING, "worker_stopped",
                "The worker did not end in time and is stopped");
    connection_finish(c);
}

int on_connection_timer(sd_event_source *source, uint64_t usec, void *context)
{
    struct connection *c = context;
    (void)source;
    (void)usec;
    switch (c->timer_kind) {
    case TIMER_GRACE:
        on_grace_over(c);
        break;
    case TIMER_LINGER:
        connection_end(c, DISCONNECT_BY_APPLICATION, sp_text("The login process has ended"), "login_ended");
        break;
    case TIMER_ENDING:
        on_ending_over(c);
        break;
    case TIMER_REAP:
        connection_finish(c);
        break;
    case TIMER_NONE:
        break;
    }
    return 0;
}

/* The login process is gone first. If that was its decision (too many failures, the user's session is over), the worker
 * has its word already and ends by itself in a moment. */
void connection_login_gone(struct connection *c)
{
    watch_end(&c->session);
    if (c->phase == PHASE_CLOSING || c->gone)
        return;
    connection_move(c, PHASE_CLOSING);
    connection_wait(c, TIMER_LINGER, LINGER_MS);
}
