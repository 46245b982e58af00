/* The table of events. Input: events.def. The rows stand in the order of the file, which is that of the manual page. */
#include "monitor/event_rows.h"

#include <string.h>

#include "base/util.h"

static const struct event_row rows[] = {
#define GROUP(title_)
#define EVENT(name_, programs_, levels_, id_, fields_, what_, help_) {#name_, programs_, id_},
#include "monitor/events.def"
#undef EVENT
#undef GROUP
};

const struct event_row *event_row_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

bool event_row_is_of(const struct event_row *row, const char *program)
{
    size_t size = strlen(program);
    for (const char *at = row->programs; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, program, size) == 0 && (at[size] == ' ' || at[size] == '\0'))
            return true;
    }
    return false;
}
