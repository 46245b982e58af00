/* What people read: tables, times, sizes, and text of clients that must not move a terminal's cursor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/util.h"

enum terminal_colour { TERMINAL_GOOD, TERMINAL_DOUBTFUL, TERMINAL_BAD };

/* Whether standard output is a terminal that is to have colours: not with $NO_COLOR, nor a dumb one. */
bool terminal_has_colours(void);
/* Prints the text, coloured if `colours`. */
void terminal_say(enum terminal_colour colour, bool colours, const char *text);

/* Control characters and what is no ASCII as \xNN; as much as there is room for. Returns out. */
char *terminal_text(const char *text, char *out, size_t size);

/* "2026-11-21T17:00:00Z" as local time, "2026-11-21 17:00:00"; "-" if it is none. */
char *terminal_time(const char *utc, char out[32]);
/* Seconds since such a time; negative: it is none, or to come. */
int64_t terminal_since(const char *utc);
/* "5s", "3min 20s", "2h 5min", "4 days 1h": the two largest units; "-" if negative. */
char *terminal_duration(int64_t seconds, char out[32]);
/* "812", "1.2K", "3.4M". */
char *terminal_octets(uint64_t octets, char out[16]);

#define TABLE_COLUMNS_MAX 10u

/* Rows of text, printed in columns that are as wide as they have to be. */
struct table {
    size_t columns;
    char **cells; /* owned */
    size_t count, capacity;
    bool failed; /* out of memory: it is not printed */
};

/* Its first row is the heading. */
void table_add(struct table *t, const char *text);
void table_print(const struct table *t);
void table_cleanup(struct table *t);
