/* What the service manager is told (sd_notify(3)). Without one, nothing is. */
#pragma once

#include <systemd/sd-event.h>

struct monitor;

struct notify {
    sd_event_source *status; /* delay, so that a flood of connections is not a flood of messages */
    unsigned shown;          /* connections in the last STATUS */
};

/* Keep-alive messages if the service manager asked for them. 0 or -errno. */
int notify_start(struct monitor *m) __attribute__((warn_unused_result));
void notify_stop(struct monitor *m);
void notify_ready(struct monitor *m);
void notify_reloading(struct monitor *m);
void notify_stopping(struct monitor *m);
/* The number of connections has changed. */
void notify_status(struct monitor *m);
