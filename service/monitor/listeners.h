/* The listening sockets: handed over by the service manager, or bound from the configuration. */
#pragma once

#include <systemd/sd-event.h>

#include "base/listen.h"

#include "config/config.h"

struct monitor;

struct listeners {
    struct listen_sockets sockets; /* owned */
    sd_event_source *sources[LISTEN_SOCKETS_MAX];
    sd_event_source *pause; /* out of descriptors: deaf for a moment */
    bool handed_over;       /* by the service manager */
    bool open;              /* they are listened to */
};

/* Before the loop, and before anything is given up. 0, or negative and said in the log. */
int listeners_open(struct monitor *m, const struct config *config) MUST_USE;
/* Takes LISTEN_FDS out of the environment; whether there were any. */
bool listeners_take(struct monitor *m);
int listeners_watch(struct monitor *m) MUST_USE;
/* Options that clients' sockets inherit. */
void listeners_configure(struct monitor *m, const struct config *config);
/* Deaf or not: clients wait in the kernel's queue meanwhile. */
void listeners_enable(struct monitor *m, bool enable);
void listeners_close(struct monitor *m);
