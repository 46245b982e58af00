/*
 * An orderly end of this program that ends no login: connections stay in the service manager's store, and the monitor that is
 * started in our place takes them over (adopt.h). Those that have not logged in are told to come again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/util.h"

struct monitor;

struct leaving {
    sd_event_source *timer; /* NULL: we stay */
    uint64_t since_ms;
    bool counted; /* what has been counted is on its way */
};

/* Begins it; told again, goes at once. 0 or -errno. */
int leave(struct monitor *m) MUST_USE;
void leave_stop(struct monitor *m);
