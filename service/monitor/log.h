/*
 * The only writer of logs. Everything that happened, here or in another program, becomes a record of one schema: the
 * event's stable name, the connection's id, the program that said it, a sentence for people, and fields.
 * Output: the journal's own fields, JSON lines or plain lines, on standard error.
 */
#pragma once

#include <sallyport/types.h>

#include "ipc/log.h"

#include "monitor/bucket.h"

enum log_format {
    LOG_FORMAT_PLAIN = 0,
    LOG_FORMAT_JSON,
    LOG_FORMAT_JOURNAL,
};

#define RECORD_FIELDS_MAX 24u /* further ones are left out */
#define RECORD_VALUE_MAX 512u /* octets of a value after escaping */

struct record {
    enum log_level level;
    const char *event;
    const char *program;
    uint64_t connection;  /* 0: none */
    struct sp_span text;  /* any bytes: escaped here */
    bool text_is_escaped; /* as escape.h does it: it is taken as it is */
    const struct log_field *fields;
    size_t field_count;
};

struct log_writer {
    enum log_format format;
    enum log_level level; /* nothing less important is written */
    int fd;
    int facility;         /* of syslog(3), shifted: for the journal */
    struct bucket bucket; /* all records together */
    uint64_t dropped_said_ms;
    uint64_t suppressed;  /* records that it kept from being written, and that were said to be */
    /* Each record that is written is also given to this, as a line of JSON without its end; NULL: to nobody. */
    void (*keep)(void *context, const struct record *record, struct sp_span line);
    void *keep_context;
};

/* format: LogFormat; "auto" is the journal if standard error is connected to it, else plain lines. level: LogLevel. facility:
 * SyslogFacility. */
void log_writer_open(struct log_writer *w, const char *format, const char *level, const char *facility);
void log_write(struct log_writer *w, const struct record *record);
/* Keys are our words; a peer's are checked with this: [a-z][a-z0-9_]*, at most 32. */
bool log_key_valid(struct sp_span key);

/* A pipe that polls as writable takes this much without waiting (pipe(7), PIPE_BUF). */
#define LOG_LINE_MAX 4096u

/* The three outputs, for log.c. `text` and the values are escaped already. */
struct record_text {
    char text[1024];
    char id[17]; /* "" without a connection */
    struct {
        const char *key;
        char value[RECORD_VALUE_MAX];
    } fields[RECORD_FIELDS_MAX];
    size_t field_count;
};
void log_write_plain(int fd, const struct record *record, const struct record_text *text);
/* A line of log_line(), in which there is room for its end. */
void log_write_json(int fd, char *line, size_t size);
/* A JSON object; its length, 0 if there is none that is small enough. */
size_t log_line(const struct record *record, const struct record_text *text, char *line, size_t capacity);
void log_write_journal(int facility, const struct record *record, const struct record_text *text);
const char *log_level_word(enum log_level level);
