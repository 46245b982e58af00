/* Events of the other programs on their way into the log. */
#pragma once

#include "ipc/messages.h"

struct monitor;
struct connection;

/* c: the connection whose link it came over, or NULL for a service program. */
void event_relay(struct monitor *m, struct connection *c, enum ipc_role from, const struct msg_event *event);
