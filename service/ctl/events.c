/*
 * `sallyport events`. Input: records of the log as the monitor has them, an object of JSON per line. Output: the same lines, or
 * lines for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/question.h"
#include "ctl/status.h"
#include "ctl/terminal.h"

#define LINE_MAX_OCTETS 8192u
#define FOLLOW_BEFORE "10" /* records from before, as of journalctl -f */

struct events {
    const struct ctl_options *options;
    char line[LINE_MAX_OCTETS];
    size_t used;
};

static void line_show(const struct events *e, const char *text, size_t size)
{
    json_error_t unused;
    char safe[4200], program[64];
    if (e->options->json) {
        printf("%.*s\n", (int)size, text);
        return;
    }
    json_t *record = json_loadb(text, size, 0, &unused);
    if (!json_is_object(record)) {
        json_decref(record);
        return;
    }
    terminal_text(found_get(record, "message"), safe, sizeof safe);
    terminal_text(found_get(record, "level"), program, sizeof program);
    printf("%s%s%s%s%s %s\n", found_get(record, "time"), *found_get(record, "time") ? " " : "", program,
           *found_get(record, "connection") ? " " : "", found_get(record, "connection"), safe);
    json_decref(record);
}

/* Pieces end anywhere. A line that is too long to be one of the monitor's ends it. */
static int on_part(void *context, struct sp_span part)
{
    struct events *e = context;
    for (size_t i = 0; i < part.size; i++) {
        if (part.data[i] == '\n') {
            line_show(e, e->line, e->used);
            e->used = 0;
        } else if (e->used == sizeof e->line) {
            return 1;
        } else {
            e->line[e->used++] = (char)part.data[i];
        }
    }
    return fflush(stdout) != 0; /* whoever read it has gone */
}

/* The whole id of what may be a part of one: of a connection that is open. */
static int id_complete(const struct ctl_options *o, char id[24])
{
    json_t *answer = NULL;
    if (strlen(o->connection) == 16) {
        snprintf(id, 24, "%s", o->connection);
        return 0;
    }
    int r = question_ask(o, "connection", o->connection, &answer);
    if (r)
        return r;
    snprintf(id, 24, "%s", found_get(json_object_get(answer, "connection"), "id"));
    json_decref(answer);
    return 0;
}

static int argument_make(const struct ctl_options *o, char out[256])
{
    const char *most = o->argument_count ? o->arguments[0] : o->follow ? FOLLOW_BEFORE : "";
    char id[24] = "";
    if (strspn(most, "0123456789") != strlen(most) || strlen(most) > 6)
        return ctl_misuse("expected a number of records, got \"%s\"", most);
    if (o->event && (strlen(o->event) > 64 || strchr(o->event, ' ')))
        return ctl_misuse("--event: expected the name of an event, got \"%s\"", o->event);
    int r = o->connection ? id_complete(o, id) : 0;
    snprintf(out, 256, "%s%s%s%s%s%s", *most ? "last=" : "", most, id[0] ? " connection=" : "", id,
             o->event ? " event=" : "", o->event ? o->event : "");
    return r;
}

int events_stream(const struct ctl_options *o)
{
    struct events events = {.options = o};
    char argument[256];
    int r = argument_make(o, argument);
    return r ? r : question_stream(o, o->follow ? "follow" : "events", argument, o->follow, on_part, &events);
}
