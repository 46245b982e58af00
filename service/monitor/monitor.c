/* What all files of the monitor share: writing records, and deciding whether clients can be served. */
#include "monitor/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Every record of a connection says whose it is. */
static size_t connection_fields(const struct connection *c, struct log_field *fields, char port[8])
{
    size_t count = 0;
    if (!c)
        return 0;
    snprintf(port, 8, "%u", c->remote.port);
    fields[count++] = (struct log_field){"peer", sp_text(c->remote.text)};
    fields[count++] = (struct log_field){"peer_port", sp_text(port)};
    if (c->balancer.address.text[0])
        fields[count++] = (struct log_field){"balancer", sp_text(c->balancer.address.text)};
    if (c->user)
        fields[count++] = (struct log_field){"user", sp_text(c->user)};
    return count;
}

/* record: all but whose it is. Without c it may still name the connection that it is about. */
static void record_write(struct monitor *m, const struct connection *c, struct record record)
{
    struct log_field all[RECORD_FIELDS_MAX];
    char port[8];
    size_t count = connection_fields(c, all, port);
    for (size_t i = 0; i < record.field_count && count < RECORD_FIELDS_MAX; i++)
        all[count++] = record.fields[i];
    if (c)
        record.connection = c->id;
    record.fields = all;
    record.field_count = count;
    log_write(&m->log, &record);
}

void monitor_relay(struct monitor *m, uint64_t connection, enum log_level level, const char *event,
                   const char *program, const struct log_field *fields, size_t field_count,
                   struct sp_span text)
{
    record_write(m, connection ? connection_find(m, connection) : NULL,
                 (struct record){.connection = connection,
                                 .level = level,
                                 .event = event,
                                 .program = program,
                                 .text = text,
                                 .fields = fields,
                                 .field_count = field_count});
}

/* record: all of it but the text, and whose it is. */
static void record_say(struct monitor *m, const struct connection *c, struct record record,
                       const char *format, va_list args)
{
    char text[1024];
    if (record.level > m->log.level)
        return;
    vsnprintf(text, sizeof text, format, args);
    record.program = "monitor";
    record.text = sp_text(text);
    record_write(m, c, record);
}

void monitor_log(struct monitor *m, const struct connection *c, enum log_level level, const char *event,
                 const struct log_field *fields, size_t field_count, const char *format, ...)
{
    const struct record record = {
        .level = level, .event = event, .fields = fields, .field_count = field_count};
    va_list args;
    va_start(args, format);
    record_say(m, c, record, format, args);
    va_end(args);
}

void monitor_log_escaped(struct monitor *m, const struct connection *c, enum log_level level,
                         const char *event, const struct log_field *fields, size_t field_count,
                         const char *format, ...)
{
    const struct record record = {.level = level,
                                  .event = event,
                                  .text_is_escaped = true,
                                  .fields = fields,
                                  .field_count = field_count};
    va_list args;
    va_start(args, format);
    record_say(m, c, record, format, args);
    va_end(args);
}

void monitor_update(struct monitor *m)
{
    listeners_enable(m, m->started && !m->stopping && generation_is_served(m));
    notify_status(m);
}

void monitor_exit_if_done(struct monitor *m)
{
    if (m->stopping && !m->leaving.timer && m->connections.count == 0)
        (void)sd_event_exit(m->event, 0);
}
