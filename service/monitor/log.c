/*
 * Records: limited, escaped and handed to one of the outputs in log_output.c. Input: the monitor's own words, and events
 * of other programs, whose text and values may hold anything.
 */
#include "monitor/log.h"

#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/loop.h"

#include "monitor/escape.h"

/* A log that floods hides more than it shows: past this rate records are counted, and the count is written. */
static const struct bucket_rate all_records = {.burst = 5000, .per_second = 1000};
#define DROPPED_SAID_MS 1000u

static const struct {
    const char *word;
    enum log_level level;
} levels[] = {
    {"QUIET", (enum log_level)0}, {"FATAL", LOG_LEVEL_ERROR},  {"ERROR", LOG_LEVEL_ERROR},
    {"INFO", LOG_LEVEL_INFO},     {"VERBOSE", LOG_LEVEL_INFO}, {"DEBUG", LOG_LEVEL_DEBUG},
};

/* syslog(3) */
static const struct {
    const char *word;
    int number;
} facilities[] = {
    {"USER", 1},    {"DAEMON", 3},  {"AUTH", 4},    {"AUTHPRIV", 10}, {"LOCAL0", 16}, {"LOCAL1", 17},
    {"LOCAL2", 18}, {"LOCAL3", 19}, {"LOCAL4", 20}, {"LOCAL5", 21},   {"LOCAL6", 22}, {"LOCAL7", 23},
};
#define FACILITY_AUTH 4 /* where an administrator looks for logins */

const char *log_level_word(enum log_level level)
{
    static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
                                        [LOG_LEVEL_WARNING] = "warning",
                                        [LOG_LEVEL_NOTICE] = "notice",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_DEBUG] = "debug"};
    return (size_t)level < ARRAY_SIZE(names) && names[level] ? names[level] : "error";
}

/* $JOURNAL_STREAM names the device and inode of the stream that systemd gave us (systemd.exec(5)). */
static bool stream_is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(fd, &st) < 0)
        return false;
    return st.st_dev == device && st.st_ino == inode;
}

void log_writer_open(struct log_writer *w, const char *format, const char *level, const char *facility)
{
    w->fd = STDERR_FILENO;
    w->level = LOG_LEVEL_INFO;
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
        if (strcasecmp(levels[i].word, level) == 0)
            w->level = levels[i].level;
    w->facility = FACILITY_AUTH;
    for (size_t i = 0; i < ARRAY_SIZE(facilities); i++)
        if (strcasecmp(facilities[i].word, facility) == 0)
            w->facility = facilities[i].number;
    if (strcmp(format, "json") == 0)
        w->format = LOG_FORMAT_JSON;
    else if (strcmp(format, "journal") == 0 || (strcmp(format, "auto") == 0 && stream_is_journal(w->fd)))
        w->format = LOG_FORMAT_JOURNAL;
    else
        w->format = LOG_FORMAT_PLAIN;
}

bool log_key_valid(struct sp_span key)
{
    if (key.size == 0 || key.size > 32 || key.data[0] < 'a' || key.data[0] > 'z')
        return false;
    for (size_t i = 0; i < key.size; i++) {
        uint8_t c = key.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* A peer's field never says again what a record says already: of two, somebody who searches might believe the second. */
static bool field_is_said(const struct record_text *text, const char *key)
{
    static const char *const ours[] = {"event", "program", "connection"};
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        if (strcmp(key, ours[i]) == 0)
            return true;
    for (size_t i = 0; i < text->field_count; i++)
        if (strcmp(key, text->fields[i].key) == 0)
            return true;
    return false;
}

static void record_escape(const struct record *record, struct record_text *text)
{
    if (record->text_is_escaped)
        snprintf(text->text, sizeof text->text, "%.*s", (int)record->text.size,
                 (const char *)record->text.data);
    else
        escape_text(record->text, text->text, sizeof text->text);
    text->id[0] = '\0';
    if (record->connection != 0)
        snprintf(text->id, sizeof text->id, "%016llx", (unsigned long long)record->connection);
    text->field_count = 0;
    for (size_t i = 0; i < size_min(record->field_count, RECORD_FIELDS_MAX); i++) {
        const struct log_field *field = &record->fields[i];
        if (field_is_said(text, field->key))
            continue;
        char *value = text->fields[text->field_count].value;
        escape_text(field->value, value, sizeof text->fields[0].value);
        text->fields[text->field_count++].key = field->key;
    }
}

/* One object for both, so that they have the same time. */
static void record_json(const struct log_writer *w, const struct record *record,
                        const struct record_text *text)
{
    char line[LOG_LINE_MAX];
    size_t size = log_line(record, text, line, sizeof line - 1);
    if (size == 0)
        return;
    if (w->keep)
        w->keep(w->keep_context, record, sp_span_of((const uint8_t *)line, size));
    if (w->format == LOG_FORMAT_JSON)
        log_write_json(w->fd, line, size);
}

static void record_output(struct log_writer *w, const struct record *record)
{
    struct record_text text;
    record_escape(record, &text);
    if (w->format == LOG_FORMAT_JOURNAL)
        log_write_journal(w->facility, record, &text);
    else if (w->format == LOG_FORMAT_PLAIN)
        log_write_plain(w->fd, record, &text);
    if (w->format == LOG_FORMAT_JSON || w->keep)
        record_json(w, record, &text);
}

static void suppressed_report(struct log_writer *w)
{
    char text[64], count[16];
    snprintf(text, sizeof text, "%u log records suppressed", w->bucket.dropped);
    snprintf(count, sizeof count, "%u", w->bucket.dropped);
    const struct log_field fields[] = {{"count", sp_text(count)}};
    w->suppressed += w->bucket.dropped;
    w->bucket.dropped = 0;
    record_output(w, &(struct record){.level = LOG_LEVEL_WARNING,
                                      .event = "log_suppressed",
                                      .program = "monitor",
                                      .text = sp_text(text),
                                      .fields = fields,
                                      .field_count = ARRAY_SIZE(fields)});
}

/* Who tried to come in and who did is written whatever else is going on: strangers make records by knocking, and must not
 * hide a login behind them. What a try costs, and MaxStartups and MaxAuthTries, bound these. */
static bool is_never_suppressed(const struct record *record)
{
    static const char *const events[] = {"login",       "auth",           "invalid_user",
                                         "not_allowed", "max_auth_tries", "policy_exception"};
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if (strcmp(record->event, events[i]) == 0)
            return strcmp(record->program, "monitor") == 0;
    return false;
}

void log_write(struct log_writer *w, const struct record *record)
{
    uint64_t now_ms = clock_ms();
    if (record->level > w->level)
        return;
    if (!bucket_take(&w->bucket, &all_records, now_ms)) {
        if (!is_never_suppressed(record))
            return;
        w->bucket.dropped--; /* it is not */
    }
    if (w->bucket.dropped != 0 && now_ms - w->dropped_said_ms >= DROPPED_SAID_MS) {
        w->dropped_said_ms = now_ms;
        suppressed_report(w);
    }
    record_output(w, record);
}
