/*
 * What the service manager is told (sd_notify(3)), and what it keeps for us (store.h). Without one, nothing is. Its socket is
 * a queue of datagrams that may be full: nobody here waits for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sallyport/types.h>

#include <systemd/sd-event.h>

#include "base/util.h"

struct monitor;

#define NOTIFY_TEXTS_MAX 8u
#define NOTIFY_TEXT_MAX 256u

struct notify {
    int fd; /* connected to $NOTIFY_SOCKET; 0 or -1: nobody is to be told */
    char texts[NOTIFY_TEXTS_MAX][NOTIFY_TEXT_MAX]; /* those that the socket has not taken yet, oldest first */
    size_t text_count;
    sd_event_source *retry;
    sd_event_source *status;  /* delay, so that a flood of connections is not a flood of messages */
    unsigned shown;           /* connections in the last STATUS */
    sd_event_source *waiting; /* a start that takes longer; NULL: none does */
    char waits_for[160];
};

/* Keep-alive messages if the service manager asked for them. 0 or -errno. */
int notify_start(struct monitor *m) MUST_USE;
void notify_stop(struct monitor *m);
static inline bool notify_is_open(const struct notify *notify)
{
    return notify->fd > 0;
}
void notify_ready(struct monitor *m);
void notify_reloading(struct monitor *m);
void notify_stopping(struct monitor *m);
/* It cannot begin yet, and why; until notify_waiting_end(). The manager is to have patience. */
void notify_waiting(struct monitor *m, struct sp_span why);
void notify_waiting_end(struct monitor *m);
/* The number of connections has changed. */
void notify_status(struct monitor *m);

/* One datagram, now. 0; -EAGAIN: not now; another -errno: it cannot be sent. */
int notify_send(struct monitor *m, const char *text, const int *fds, size_t fd_count) MUST_USE;
/* Sends what waits here and in the store, and comes back later for what is not taken. */
void notify_pump(struct monitor *m);
bool notify_is_settled(const struct notify *notify);
