/*
 * Events: what a program has to say, sent to the monitor, which is the only writer of logs. Before there is a link
 * they go to standard error as plain lines. Library code returns errors and does not log.
 */
#pragma once

#include "ipc/link.h"

#include "base/util.h"

/* The priorities of syslog(3), and their names in output. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7,
};

struct log {
    const char *program;  /* "sallyport-signer" */
    enum log_level level; /* less important events are not sent */
    struct link *link;    /* not owned; NULL or closed: standard error */
};

struct log_field {
    const char *key; /* lower case, [a-z0-9_] */
    struct sp_span value;
};

#define LOG_TEXT_MAX 1024u

/* name: a stable word for the kind of event, such as "token_lost". Values may hold any bytes: the monitor escapes. */
void log_event(struct log *log, enum log_level level, const char *name, const struct log_field *fields,
               size_t field_count, const char *format, ...) PRINTF_LIKE(6, 7);
#define log_say(log_, level_, name_, ...) log_event((log_), (level_), (name_), NULL, 0, __VA_ARGS__)
