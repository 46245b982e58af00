/*
 * Events of the other programs. Input: a worker's words among others, so nothing in them is believed: the program's name
 * and the connection come from the link it came over, text is escaped, fields are checked, the number is limited.
 */
#include "monitor/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "monitor/event_rows.h"
#include "monitor/monitor.h"

static const struct bucket_rate one_connection = {.burst = 100, .per_second = 10};

/* A worker knows no user, only a name that somebody claims: whose connection it is we add, once we know; and through whom
 * it came. */
static bool field_is_refused(enum ipc_role from, const char *key)
{
    return from == ROLE_WORKER &&
           (strcmp(key, "user") == 0 || strcmp(key, "uid") == 0 || strcmp(key, "balancer") == 0);
}

void event_fields_read(enum ipc_role from, struct sp_span packed, struct event_fields *fields)
{
    struct sp_in in = sp_in_of(packed);
    fields->count = 0;
    while (in.left != 0 && !in.bad && fields->count < RECORD_FIELDS_MAX) {
        struct sp_span key = sp_get_string(&in, 32);
        struct sp_span value = sp_get_string(&in, 4096);
        if (in.bad || !log_key_valid(key)) {
            fields->count = 0;
            return;
        }
        snprintf(fields->keys[fields->count], sizeof fields->keys[0], "%.*s", (int)key.size,
                 (const char *)key.data);
        fields->list[fields->count] = (struct log_field){fields->keys[fields->count], value};
        if (!field_is_refused(from, fields->keys[fields->count]))
            fields->count++;
    }
}

/* An event that is another program's: of those who search for it, nobody takes these words for that program's. */
static bool name_is_of_another(const char *name, const char *program)
{
    const struct event_row *row = event_row_find(name);
    return row && !event_row_is_of(row, program);
}

static enum log_level level_of(uint8_t level)
{
    return level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG ? (enum log_level)level : LOG_LEVEL_INFO;
}

/* A service program knows several connections, and names the one that it speaks of. None of these meets the network; and all
 * that follows from it is with which other records this one is found. */
static uint64_t connection_named(const struct event_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct sp_span value = fields->list[i].value;
        char text[17] = "";
        if (strcmp(fields->list[i].key, "connection") != 0 || value.size != sizeof text - 1)
            continue;
        memcpy(text, value.data, value.size);
        return strspn(text, "0123456789abcdef") == value.size ? strtoull(text, NULL, 16) : 0;
    }
    return 0;
}

/*
 * A sentence is marked with who said it: only what the monitor says by itself may look like "Accepted password for" to a
 * filter that reads logs.
 */
void event_relay(struct monitor *m, struct connection *c, enum ipc_role from, const struct msg_event *event)
{
    struct event_fields fields;
    char name[65], text[1024];
    if (c && !bucket_take(&c->events, &one_connection, clock_ms()))
        return;
    if (level_of(event->level) > m->log.level || !log_key_valid(event->name))
        return;
    event_fields_read(from, event->fields, &fields);
    snprintf(name, sizeof name, "%.*s", (int)event->name.size, (const char *)event->name.data);
    if (name_is_of_another(name, role_name(from)))
        snprintf(name, sizeof name, "claim");
    snprintf(text, sizeof text, "%s: %.*s", role_name(from), (int)event->text.size,
             (const char *)event->text.data);
    monitor_relay(m, c ? c->id : connection_named(&fields), level_of(event->level), name, role_name(from),
                  fields.list, fields.count, sp_text(text));
}
