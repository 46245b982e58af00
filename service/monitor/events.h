/* Events of the other programs on their way into the log. */
#pragma once

#include "ipc/log.h"
#include "ipc/messages.h"
#include "monitor/log.h"

struct monitor;
struct connection;

/* Fields of a record, checked; the values point into the message. */
struct event_fields {
    char keys[RECORD_FIELDS_MAX][33];
    struct log_field list[RECORD_FIELDS_MAX];
    size_t count;
};

/* packed: list of (string key, string value). All of them, or none if one is malformed. */
void event_fields_read(enum ipc_role from, struct sp_span packed, struct event_fields *fields);

/* c: the connection whose link it came over, or NULL for a service program. */
void event_relay(struct monitor *m, struct connection *c, enum ipc_role from, const struct msg_event *event);
