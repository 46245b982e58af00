/* The listening sockets: handed over by the service manager, or bound from the configuration. */
#pragma once

#include <systemd/sd-event.h>

#include "base/listen.h"

#include "config/config.h"

#include "config/listeners.h"

#include "monitor/address.h"

struct monitor;

/* One of them, as the configuration in force names it. */
struct listener {
    struct monitor *monitor;
    sd_event_source *source;
    const char *given;      /* the name that it was handed over with; "": none */
    struct address address; /* its own */
    char name[CONFIG_LISTENER_MAX + 1];
    bool is_named;   /* and that has been told */
    bool is_proxied; /* clients come through a balancer, and no others do */
};

struct listeners {
    struct listen_sockets sockets;            /* owned */
    struct listener each[LISTEN_SOCKETS_MAX]; /* of each of them */
    sd_event_source *pause;                   /* out of descriptors: deaf for a moment */
    bool handed_over;                         /* by the service manager */
    bool open;                                /* they are listened to */
};

/* Before the loop, and before anything is given up. 0, or negative and said in the log. */
int listeners_open(struct monitor *m, const struct config *config) MUST_USE;
/* Takes LISTEN_FDS out of the environment; whether there were any. */
bool listeners_take(struct monitor *m);
int listeners_watch(struct monitor *m) MUST_USE;
/* A configuration is in force: names, what is spoken where, and options that clients' sockets inherit. */
void listeners_configure(struct monitor *m, const struct config *config);
/* Deaf or not: clients wait in the kernel's queue meanwhile. */
void listeners_enable(struct monitor *m, bool enable);
void listeners_close(struct monitor *m);
