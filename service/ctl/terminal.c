/* Text for people. Input: what was found, with words of clients in it. Output: lines for standard output. */
#include "ctl/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool terminal_has_colours(void)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(none && *none) && term && *term && strcmp(term, "dumb") != 0;
}

void terminal_say(enum terminal_colour colour, bool colours, const char *text)
{
    static const char *const codes[] = {
        [TERMINAL_GOOD] = "\033[1;32m", [TERMINAL_DOUBTFUL] = "\033[1;33m", [TERMINAL_BAD] = "\033[1;31m"};
    printf("%s%s%s", colours ? codes[colour] : "", text, colours ? "\033[0m" : "");
}

char *terminal_text(const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool plain = *c >= 0x20 && *c < 0x7f;
        if (used + (plain ? 1 : 4) >= size)
            break;
        used += (size_t)snprintf(out + used, size - used, plain ? "%c" : "\\x%02x", *c);
    }
    out[used] = '\0';
    return out;
}

static bool time_parse(const char *utc, time_t *at)
{
    struct tm parts = {0};
    const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest || (*rest != 'Z' && *rest != '.'))
        return false;
    *at = timegm(&parts);
    return true;
}

char *terminal_time(const char *utc, char out[32])
{
    struct tm parts;
    time_t at;
    if (!time_parse(utc, &at) || !localtime_r(&at, &parts) ||
        strftime(out, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(out, 32, "-");
    return out;
}

int64_t terminal_since(const char *utc)
{
    time_t at;
    return time_parse(utc, &at) ? (int64_t)time(NULL) - (int64_t)at : -1;
}

char *terminal_duration(int64_t seconds, char out[32])
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    if (seconds < 60) {
        snprintf(out, 32, seconds < 0 ? "-" : "%" PRId64 "s", seconds);
        return out;
    }
    for (size_t i = 0; i + 1 < ARRAY_SIZE(units); i++) {
        if (seconds < units[i].seconds)
            continue;
        int64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        int used = snprintf(out, 32, "%" PRId64 "%s", seconds / units[i].seconds, units[i].unit);
        if (rest != 0)
            snprintf(out + used, 32 - (size_t)used, " %" PRId64 "%s", rest, units[i + 1].unit);
        return out;
    }
    return out;
}

char *terminal_octets(uint64_t octets, char out[16])
{
    static const char units[] = "KMGTPE";
    double value = (double)octets;
    size_t unit = 0;
    if (octets < 1024) {
        snprintf(out, 16, "%" PRIu64, octets);
        return out;
    }
    for (value /= 1024; value >= 999.95 && units[unit + 1]; value /= 1024)
        unit++;
    snprintf(out, 16, "%.1f%c", value, units[unit]);
    return out;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

void table_add(struct table *t, const char *text)
{
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 64;
        char **larger = reallocarray(t->cells, capacity, sizeof *larger);
        if (!larger) {
            t->failed = true;
            return;
        }
        t->cells = larger;
        t->capacity = capacity;
    }
    char *cell = strdup(*text ? text : "-");
    if (!cell)
        t->failed = true;
    else
        t->cells[t->count++] = cell;
}

void table_print(const struct table *t)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    if (t->failed) {
        fprintf(stderr, "sallyport: out of memory\n");
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t *width = &widths[i % t->columns], size = strlen(t->cells[i]);
        *width = size > *width ? size : *width;
    }
    for (size_t i = 0; i < t->count; i++) {
        bool last = (i + 1) % t->columns == 0;
        if (last)
            printf("%s\n", t->cells[i]);
        else
            printf("%-*s  ", (int)widths[i % t->columns], t->cells[i]);
    }
}

void table_cleanup(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct table){0};
}
