/* Links in sd-event's loop. */
#include "monitor/watch.h"

#include <sys/epoll.h>
#include <sys/socket.h>

int watch_open(struct watch *w, sd_event *event, int fd, enum ipc_role peer, int64_t priority,
               sd_event_io_handler_t on_io, void *context)
{
    *w = (struct watch){0};
    link_init(&w->link, fd, ROLE_MONITOR, peer);
    int r = sd_event_add_io(event, &w->source, fd, EPOLLIN, on_io, context);
    if (r >= 0)
        r = sd_event_source_set_priority(w->source, priority);
    if (r < 0)
        watch_close(w);
    return r < 0 ? r : 0;
}

void watch_close(struct watch *w)
{
    w->source = sd_event_source_disable_unref(w->source);
    link_close(&w->link);
}

void watch_end(struct watch *w)
{
    if (watch_is_open(w))
        (void)shutdown(w->link.fd, SHUT_RDWR);
    watch_close(w);
}

int watch_limit(struct watch *w, uint64_t every_ms, unsigned times)
{
    int r = sd_event_source_set_ratelimit(w->source, every_ms * 1000, times);
    return r < 0 ? r : 0;
}

static int watch_poll(struct watch *w)
{
    uint32_t events = EPOLLIN | (link_wants_write(&w->link) ? (uint32_t)EPOLLOUT : 0u);
    int r = sd_event_source_set_io_events(w->source, events);
    return r < 0 ? r : 0;
}

int watch_send_fds(struct watch *w, enum msg_number number, const void *message, const int *fds,
                   size_t fd_count)
{
    bool waited = link_wants_write(&w->link);
    int r = link_send_fds(&w->link, number, message, fds, fd_count);
    if (r == 0 && link_wants_write(&w->link) != waited)
        r = watch_poll(w);
    return r;
}

int watch_flush(struct watch *w, uint32_t events)
{
    if (!(events & EPOLLOUT))
        return 0;
    int r = link_flush(&w->link);
    return r ? r : watch_poll(w);
}
