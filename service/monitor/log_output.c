/*
 * What a record looks like outside: a plain line, a JSON object per line, or fields for the journal. Input: escaped text.
 * The monitor must not wait for who reads its log: a line that standard error does not take at once is lost.
 */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>

#include <systemd/sd-journal.h>

#include "monitor/event_rows.h"
#include "monitor/log.h"

/* The last bits of a connection's id: as many as a pid can have. */
#define CONNECTION_TAG_MASK 0x7fffffffu

static void line_write(int fd, const char *line, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
        return;
    ssize_t written = write(fd, line, size);
    (void)written; /* there is nowhere to report it to */
}

/* RFC 3339, with microseconds. */
struct when {
    char text[64];
};

static struct when time_format(void)
{
    struct when w;
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t size = strftime(w.text, sizeof w.text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(w.text + size, sizeof w.text - size, ".%06uZ", (unsigned)(now.tv_nsec / 1000) % 1000000u);
    return w;
}

/* What stands in brackets behind the name, where sshd has the pid of the process that serves one connection: filters such
 * as fail2ban's take lines with the same number for one connection's. Digits alone are what they know. */
struct tag {
    char text[16];
};

static struct tag tag_of(const struct record *record)
{
    struct tag t = {""};
    if (record->connection != 0)
        snprintf(t.text, sizeof t.text, "%" PRIu64, record->connection & CONNECTION_TAG_MASK);
    return t;
}

/* sshd's words for how bad it is; it has none for what is ordinary. */
static const char *level_prefix(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    case LOG_LEVEL_DEBUG:
        return "debug1: ";
    case LOG_LEVEL_NOTICE:
    case LOG_LEVEL_INFO:
        break;
    }
    return "";
}

/* As syslog daemons write files: time, host, name and number, message. */
void log_write_plain(int fd, const struct record *record, const struct record_text *text)
{
    char line[LOG_LINE_MAX], host[HOST_NAME_MAX + 1] = "";
    struct tag tag = tag_of(record);
    if (gethostname(host, sizeof host) < 0 || host[0] == '\0')
        snprintf(host, sizeof host, "localhost");
    int size = snprintf(line, sizeof line, "%s %s sallyportd%s%s%s: %s%s\n", time_format().text, host,
                        tag.text[0] ? "[" : "", tag.text, tag.text[0] ? "]" : "", level_prefix(record->level),
                        text->text);
    if (size > 0)
        line_write(fd, line, size_min((size_t)size, sizeof line - 1));
}

static json_t *record_object(const struct record *record, const struct record_text *text, size_t field_count)
{
    json_t *object = json_object();
    json_object_set_new(object, "time", json_string(time_format().text));
    json_object_set_new(object, "level", json_string(log_level_word(record->level)));
    json_object_set_new(object, "event", json_string(record->event));
    json_object_set_new(object, "program", json_string(record->program));
    if (text->id[0])
        json_object_set_new(object, "connection", json_string(text->id));
    json_object_set_new(object, "message", json_string(text->text));
    /* A field never replaces one of ours above. */
    for (size_t i = 0; i < field_count; i++)
        if (!json_object_get(object, text->fields[i].key))
            json_object_set_new(object, text->fields[i].key, json_string(text->fields[i].value));
    return object;
}

size_t log_line(const struct record *record, const struct record_text *text, char *line, size_t capacity)
{
    for (size_t count = text->field_count;; count /= 2) { /* a line must stay whole: the later fields go */
        json_t *object = record_object(record, text, count);
        size_t size = json_dumpb(object, line, capacity, JSON_COMPACT);
        json_decref(object);
        if (size <= capacity)
            return size;
        if (count == 0)
            return 0;
    }
}

void log_write_json(int fd, char *line, size_t size)
{
    line[size] = '\n';
    line_write(fd, line, size + 1);
}

/* Journal field names: upper case, with a prefix that keeps them apart from everybody else's. */
struct journal_fields {
    char text[RECORD_FIELDS_MAX + 8][RECORD_VALUE_MAX + 64];
    char message[1100];
    struct iovec list[RECORD_FIELDS_MAX + 9];
    int count;
};

static void journal_add(struct journal_fields *f, const char *key, const char *value)
{
    char *at = f->text[f->count];
    size_t prefix = (size_t)snprintf(at, sizeof f->text[0], "SALLYPORT_%.32s=%s", key, value);
    for (char *c = at; *c != '='; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    f->list[f->count++] = (struct iovec){at, size_min(prefix, sizeof f->text[0] - 1)};
}

static void journal_add_plain(struct journal_fields *f, const char *key, const char *value)
{
    char *at = f->text[f->count];
    size_t size = (size_t)snprintf(at, sizeof f->text[0], "%s=%s", key, value);
    f->list[f->count++] = (struct iovec){at, size_min(size, sizeof f->text[0] - 1)};
}

void log_write_journal(int facility, const struct record *record, const struct record_text *text)
{
    struct journal_fields f;
    char priority[4], number[4];
    f.count = 0;
    snprintf(priority, sizeof priority, "%d", (int)record->level);
    snprintf(number, sizeof number, "%d", facility);
    journal_add_plain(&f, "PRIORITY", priority);
    journal_add_plain(&f, "SYSLOG_IDENTIFIER", "sallyportd");
    journal_add_plain(&f, "SYSLOG_FACILITY", number);
    if (record->connection != 0)
        journal_add_plain(&f, "SYSLOG_PID", tag_of(record).text);
    const struct event_row *row = event_row_find(record->event);
    if (row)
        journal_add_plain(&f, "MESSAGE_ID", row->id);
    journal_add(&f, "event", record->event);
    journal_add(&f, "program", record->program);
    if (text->id[0])
        journal_add(&f, "connection", text->id);
    for (size_t i = 0; i < text->field_count; i++)
        journal_add(&f, text->fields[i].key, text->fields[i].value);
    int size = snprintf(f.message, sizeof f.message, "MESSAGE=%s", text->text);
    f.list[f.count++] = (struct iovec){f.message, (size_t)size};
    (void)sd_journal_sendv(f.list, f.count);
}
