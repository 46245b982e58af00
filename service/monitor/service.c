/* The links to the service programs. Input: their messages, checked against messages.def. Output: calls of the handlers
 * in on_<peer>.c. */
#include "monitor/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "monitor/events.h"
#include "monitor/monitor.h"

#define MESSAGES_PER_TURN 64 /* then the other sources have their turn */
#define RETRY_FIRST_MS 10u
#define RETRY_MAX_MS 2000u

/* The process that listens: systemd or the launcher, which is root, or one of ours under our own user. Anybody else has
 * put a socket where he must not, and would be given clients, transcripts and user names. */
static int peer_check(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EPERM;
}

static int service_dial(const struct service *s)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int size =
        snprintf(to.sun_path, sizeof to.sun_path, "%s/%s", s->monitor->options->runtime_dir, s->kind->socket);
    if (size < 0 || (size_t)size >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
        return -errno;
    int r = peer_check(fd);
    return r ? r : TAKE_FD(fd);
}

static void service_dispatch(struct service *s, const struct link_inbox *inbox)
{
    s->failures = 0;
    for (size_t i = 0; i < s->kind->handler_count; i++) {
        if (s->kind->handlers[i].number == inbox->row->number) {
            s->kind->handlers[i].on_message(s->monitor, &inbox->body);
            return;
        }
    }
    if (inbox->row->number == MSG_event)
        event_relay(s->monitor, NULL, s->kind->role, &inbox->body.event);
    else
        service_lose(s, "sent a message that nobody here takes");
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct service *s = context;
    (void)source;
    (void)fd;
    if (watch_flush(&s->watch, events)) {
        service_lose(s, "does not take what is sent to it");
        return 0;
    }
    if ((events & EPOLLOUT) && s->kind->on_room)
        s->kind->on_room(s->monitor);
    for (int i = 0; i < MESSAGES_PER_TURN && watch_is_open(&s->watch); i++) {
        int r = link_receive(&s->watch.link, PHASE_ANY, s->monitor->inbox);
        if (r == LINK_E_AGAIN)
            break;
        if (r == 0)
            service_dispatch(s, s->monitor->inbox);
        else
            service_lose(s, r == LINK_E_ILLEGAL ? link_complaint(&s->watch.link) : "has closed the link");
    }
    link_inbox_wipe(s->monitor->inbox);
    return 0;
}

static void service_retry(struct service *s);

static void service_connect(struct service *s)
{
    int fd = service_dial(s);
    int r = fd < 0 ? fd
                   : watch_open(&s->watch, s->monitor->event, fd, s->kind->role, s->kind->priority, on_io, s);
    if (r) {
        s->failures++;
        if (s->failures == 1 || s->failures % 30 == 0)
            monitor_say(s->monitor, NULL, LOG_LEVEL_WARNING, "service_unreachable",
                        "Cannot reach the %s service: %s", s->kind->name, strerror(-r));
        service_retry(s);
        return;
    }
    monitor_say(s->monitor, NULL, LOG_LEVEL_DEBUG, "service_connected", "Connected to the %s service",
                s->kind->name);
    s->connects++;
    s->kind->on_connected(s->monitor);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *context)
{
    struct service *s = context;
    (void)source;
    (void)usec;
    s->retry = sd_event_source_disable_unref(s->retry);
    service_connect(s);
    return 0;
}

/* At once after the first loss, as a restarted program is there already; then more and more slowly. */
static void service_retry(struct service *s)
{
    uint64_t delay_ms =
        s->failures == 0 ? 0 : (uint64_t)RETRY_FIRST_MS << (s->failures < 9 ? s->failures : 9u);
    if (delay_ms > RETRY_MAX_MS)
        delay_ms = RETRY_MAX_MS;
    s->retry = sd_event_source_disable_unref(s->retry);
    int r = sd_event_add_time_relative(s->monitor->event, &s->retry, CLOCK_MONOTONIC, delay_ms * 1000, 1000,
                                       on_retry, s);
    if (r < 0) /* without the timer we would be deaf to this service for ever: start afresh instead */
        (void)sd_event_exit(s->monitor->event, 1);
}

void service_lose(struct service *s, const char *why)
{
    if (!watch_is_open(&s->watch))
        return;
    monitor_say(s->monitor, NULL, LOG_LEVEL_WARNING, "service_lost", "The %s service %s", s->kind->name, why);
    s->lost_s = time(NULL);
    snprintf(s->lost_why, sizeof s->lost_why, "%s", why);
    watch_close(&s->watch);
    service_retry(s);
    s->failures++;
    s->kind->on_lost(s->monitor);
}

bool service_send_fds(struct service *s, enum msg_number number, const void *message, const int *fds,
                      size_t fd_count)
{
    if (!watch_is_open(&s->watch))
        return false;
    int r = watch_send_fds(&s->watch, number, message, fds, fd_count);
    if (r)
        service_lose(s, r == LINK_E_FULL ? "does not read what is sent to it" : "has closed the link");
    return r == 0;
}

int service_start(struct service *s, struct monitor *m, const struct service_kind *kind)
{
    *s = (struct service){.monitor = m, .kind = kind, .watch.link.fd = -1};
    service_connect(s);
    return 0;
}

void service_stop(struct service *s)
{
    s->retry = sd_event_source_disable_unref(s->retry);
    watch_close(&s->watch);
}
