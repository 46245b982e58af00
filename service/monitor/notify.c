/* Talking to the service manager. Output: datagrams to $NOTIFY_SOCKET. */
#include "monitor/notify.h"

#include <systemd/sd-daemon.h>

#include "base/loop.h"

#include "monitor/monitor.h"

#define STATUS_DELAY_MS 1000u

static void status_send(struct monitor *m, const char *before)
{
    m->notify.shown = m->connections.count;
    (void)sd_notifyf(0, "%sSTATUS=%u connection%s open, %u not logged in\n", before, m->connections.count,
                     m->connections.count == 1 ? "" : "s", m->admission.startups);
}

int notify_start(struct monitor *m)
{
    int r = sd_event_set_watchdog(m->event, true); /* 0 if nobody watches */
    return r < 0 ? r : 0;
}

void notify_stop(struct monitor *m)
{
    m->notify.status = sd_event_source_disable_unref(m->notify.status);
}

void notify_ready(struct monitor *m)
{
    m->started = true;
    status_send(m, "READY=1\n");
}

/* Type=notify-reload wants the time of the reload with it. */
void notify_reloading(struct monitor *m)
{
    (void)m;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\n", (unsigned long long)clock_ms() * 1000);
}

void notify_stopping(struct monitor *m)
{
    status_send(m, "STOPPING=1\n");
}

static int on_status(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    notify_stop(m);
    status_send(m, "");
    return 0;
}

void notify_status(struct monitor *m)
{
    if (!m->started || m->notify.status || m->notify.shown == m->connections.count)
        return;
    (void)sd_event_add_time_relative(m->event, &m->notify.status, CLOCK_MONOTONIC, STATUS_DELAY_MS * 1000, 0,
                                     on_status, m);
}
