/* Talking to the service manager. Output: datagrams to $NOTIFY_SOCKET. */
#include "monitor/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/loop.h"

#include "monitor/monitor.h"

#define STATUS_DELAY_MS 1000u
#define RETRY_MS 5u
#define WAITING_EVERY_S 10u
#define WAITING_PATIENCE_S 30u /* from one of those to the next, and some */

/* ---- the socket -------------------------------------------------------------------------------------------- */

static int socket_open(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || size >= sizeof to.sun_path)
        return -EINVAL;
    memcpy(to.sun_path, path, size);
    if (path[0] == '@') /* abstract */
        to.sun_path[0] = '\0';
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, length) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/* Too many descriptors on their way, or no memory, pass like a full queue. */
int notify_send(struct monitor *m, const char *text, const int *fds, size_t fd_count)
{
    if (!notify_is_open(&m->notify) || fd_count > STORE_FDS_MAX)
        return -ENOTCONN;
    int r = fd_send(m->notify.fd, sp_text(text), fds, fd_count);
    return r == -EINTR || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS ? -EAGAIN : r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    m->notify.retry = sd_event_source_disable_unref(m->notify.retry);
    notify_pump(m);
    return 0;
}

static int texts_pump(struct monitor *m)
{
    struct notify *n = &m->notify;
    int r = 0;
    while (n->text_count != 0 && r == 0) {
        r = notify_send(m, n->texts[0], NULL, 0);
        if (r == -EAGAIN)
            return r;
        memmove(n->texts[0], n->texts[1], (NOTIFY_TEXTS_MAX - 1) * NOTIFY_TEXT_MAX);
        n->text_count--; /* one that cannot be sent is lost, and no reason to stop serving */
    }
    return 0;
}

void notify_pump(struct monitor *m)
{
    int r = texts_pump(m);
    if (r == 0)
        r = store_pump(m);
    if (r == -EAGAIN && !m->notify.retry)
        (void)sd_event_add_time_relative(m->event, &m->notify.retry, CLOCK_MONOTONIC, RETRY_MS * 1000, 0,
                                         on_retry, m);
}

bool notify_is_settled(const struct notify *notify)
{
    return notify->text_count == 0;
}

/* When there is no room the newest gives way: the number of connections, mostly, which the next one says again. */
static void text_queue(struct monitor *m, const char *format, ...) PRINTF_LIKE(2, 3);
static void text_queue(struct monitor *m, const char *format, ...)
{
    struct notify *n = &m->notify;
    va_list args;
    if (!notify_is_open(n))
        return;
    if (n->text_count == NOTIFY_TEXTS_MAX)
        n->text_count--;
    va_start(args, format);
    vsnprintf(n->texts[n->text_count++], NOTIFY_TEXT_MAX, format, args);
    va_end(args);
    notify_pump(m);
}

/* ---- what is said ------------------------------------------------------------------------------------------ */

static void status_send(struct monitor *m, const char *before)
{
    m->notify.shown = m->connections.count;
    text_queue(m, "%sSTATUS=%u connection%s open, %u not logged in\n", before, m->connections.count,
               m->connections.count == 1 ? "" : "s", m->admission.startups);
}

int notify_start(struct monitor *m)
{
    const char *path = getenv("NOTIFY_SOCKET");
    m->notify.fd = path ? socket_open(path) : -1;
    if (path && m->notify.fd < 0)
        monitor_say(m, NULL, LOG_LEVEL_WARNING, "notify_failed",
                    "The service manager cannot be told anything at %s: %s", path, strerror(-m->notify.fd));
    int r = sd_event_set_watchdog(m->event, true); /* 0 if nobody watches */
    return r < 0 ? r : 0;
}

void notify_stop(struct monitor *m)
{
    notify_waiting_end(m);
    m->notify.status = sd_event_source_disable_unref(m->notify.status);
    m->notify.retry = sd_event_source_disable_unref(m->notify.retry);
    if (notify_is_open(&m->notify))
        close(m->notify.fd);
    m->notify.fd = -1;
}

void notify_ready(struct monitor *m)
{
    m->started = true;
    status_send(m, "READY=1\n");
}

/* Type=notify-reload wants the time of the reload with it. */
void notify_reloading(struct monitor *m)
{
    text_queue(m, "RELOADING=1\nMONOTONIC_USEC=%llu\n", (unsigned long long)clock_ms() * 1000);
}

void notify_stopping(struct monitor *m)
{
    status_send(m, "STOPPING=1\n");
}

/* Without it a manager that waits for READY=1 gives up on us, and starts us again, for nothing. */
static void waiting_send(struct monitor *m)
{
    text_queue(m, "EXTEND_TIMEOUT_USEC=%llu\nSTATUS=Waiting for a host key: %s\n",
               WAITING_PATIENCE_S * 1000000ull, m->notify.waits_for);
}

static int on_waiting(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)usec;
    waiting_send(m);
    int r = sd_event_source_set_time_relative(source, WAITING_EVERY_S * 1000000ull);
    return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* One line, of characters that a terminal shows. */
static void waits_for_set(struct notify *n, struct sp_span why)
{
    size_t size = size_min(why.size, sizeof n->waits_for - 1);
    for (size_t i = 0; i < size; i++)
        n->waits_for[i] = why.data[i] >= ' ' && why.data[i] < 0x7f ? (char)why.data[i] : '?';
    n->waits_for[size] = '\0';
}

void notify_waiting(struct monitor *m, struct sp_span why)
{
    if (m->started)
        return; /* it is the server that waits then, and not its start */
    waits_for_set(&m->notify, why);
    waiting_send(m);
    if (!m->notify.waiting)
        (void)sd_event_add_time_relative(m->event, &m->notify.waiting, CLOCK_MONOTONIC,
                                         WAITING_EVERY_S * 1000000ull, 0, on_waiting, m);
}

void notify_waiting_end(struct monitor *m)
{
    m->notify.waiting = sd_event_source_disable_unref(m->notify.waiting);
}

static int on_status(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    m->notify.status = sd_event_source_disable_unref(m->notify.status);
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
