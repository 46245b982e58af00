/* The rows of events.def, for whoever writes a record or takes one from another program. */
#pragma once

#include <stdbool.h>

struct event_row {
    const char *name;
    const char *programs; /* names with blanks between them */
    const char *id;       /* 32 hexadecimal digits */
};

/* NULL for a name without a row. */
const struct event_row *event_row_find(const char *name);
/* Whether this program (role_name()) may say it. */
bool event_row_is_of(const struct event_row *row, const char *program);
