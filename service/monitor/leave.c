/* Leaving. Input: SIGTERM. Output: the store, and the end of the loop when everything is in it. */
#include "monitor/leave.h"

#include "base/loop.h"

#include "monitor/keep.h"
#include "monitor/monitor.h"

#define LOOK_MS 10u
#define FAREWELL_MS 1000u /* for the workers of connections that end with us to say so */
#define LEAVE_MS 4000u    /* for the service manager to take what is to be kept */

/* A worker has its word as soon as it is in its link; what it says at its end is for the log alone. */
static bool is_waited_for(const struct monitor *m)
{
    for (const struct connection *c = m->connections.first; c; c = c->next)
        if (c->slot == 0 && c->phase == PHASE_CLOSING)
            return true;
    return false;
}

static bool is_settled(const struct monitor *m)
{
    return notify_is_settled(&m->notify) && store_is_settled(&m->store);
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    uint64_t spent_ms = clock_ms() - m->leaving.since_ms;
    (void)usec;
    if (!m->leaving.counted && (!is_waited_for(m) || spent_ms >= FAREWELL_MS)) {
        m->leaving.counted = true;
        keep_counts(m);
    }
    if (m->leaving.counted && (is_settled(m) || spent_ms >= LEAVE_MS))
        return sd_event_exit(m->event, 0);
    int r = sd_event_source_set_time_relative(source, LOOK_MS * 1000);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void strangers_end(struct monitor *m)
{
    for (struct connection *c = m->connections.first, *next; c; c = next) {
        next = c->next;
        if (c->phase != PHASE_LOGIN)
            connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("The server is restarting"),
                           "restarting");
    }
}

static unsigned kept_count(const struct monitor *m)
{
    unsigned count = 0;
    for (const struct connection *c = m->connections.first; c; c = c->next)
        count += c->slot != 0 ? 1u : 0u;
    return count;
}

int leave(struct monitor *m)
{
    if (m->leaving.timer)
        return sd_event_exit(m->event, 0);
    m->stopping = true;
    m->leaving.since_ms = clock_ms();
    monitor_say(m, NULL, LOG_LEVEL_INFO, "leaving", "Stopping; %u connections are left to who comes after",
                kept_count(m));
    notify_stopping(m);
    listeners_close(m);
    strangers_end(m);
    int r = sd_event_add_time_relative(m->event, &m->leaving.timer, CLOCK_MONOTONIC, 0, 0, on_look, m);
    return r < 0 ? r : 0;
}

void leave_stop(struct monitor *m)
{
    m->leaving.timer = sd_event_source_disable_unref(m->leaving.timer);
}
