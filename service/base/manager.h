/*
 * Talking to the service manager (sd_notify(3)) without its library: one datagram socket, connected before anything is given
 * up. Without a manager every call does nothing.
 */
#pragma once

#include <stdint.h>

#include "base/util.h"

struct manager {
    int fd;               /* -1: nobody listens. Owned; close-on-exec, and no concern of a child's */
    uint64_t watchdog_ms; /* how often it wants to hear from us (half of WatchdogSec=); 0: never */
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. 0, also if there is no manager; or -errno, if
 * there is one and it cannot be reached. */
int manager_open(struct manager *manager) MUST_USE;
/* Lines as sd_notify(3) has them: "READY=1", "WATCHDOG=1", "STATUS=...". By sendmsg(2), which every filter here allows; one
 * that does not get through is lost. */
void manager_say(const struct manager *manager, const char *lines);
void manager_close(struct manager *manager);
