/* A link in the monitor's loop: polled for reading always, for writing while something is queued. */
#pragma once

#include <systemd/sd-event.h>

#include "ipc/link.h"

#include "base/util.h"

struct watch {
    struct link link;
    sd_event_source *source; /* owned */
};

/* Takes fd, also on failure. The lower the priority's number, the earlier it is served (sd_event_source_set_priority). */
int watch_open(struct watch *w, sd_event *event, int fd, enum ipc_role peer, int64_t priority,
               sd_event_io_handler_t on_io, void *context) MUST_USE;
void watch_close(struct watch *w);
/* Closes it for good: the other side sees the end, whoever else may still hold a duplicate of ours (the service manager). */
void watch_end(struct watch *w);
/*
 * For a peer that may say what it likes, as often as it likes: handled so many times in `every_ms`, and not looked at
 * for the rest of that time. It waits in its own send; the others and who wants to come in do not. 0 or -errno.
 */
int watch_limit(struct watch *w, uint64_t every_ms, unsigned times) MUST_USE;
static inline bool watch_is_open(const struct watch *w)
{
    return link_is_open(&w->link);
}
/* link_send_fds(), and the polling that follows from it. */
int watch_send_fds(struct watch *w, enum msg_number number, const void *message, const int *fds,
                   size_t fd_count) MUST_USE;
/* What the loop says: sends what is queued. 0, or a result of link_flush(). */
int watch_flush(struct watch *w, uint32_t events) MUST_USE;

/* watch_send(&w, sign, .connection = 3): as link_send(). */
#define watch_send(watch_, name_, ...)                                                                       \
    watch_send_fds((watch_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__}, NULL, 0)
#define watch_send_with(watch_, fds_, count_, name_, ...)                                                    \
    watch_send_fds((watch_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__}, (fds_), (count_))
