/*
 * The option table, expanded from options.def, and looking keywords up in it. Input: keywords as people write them.
 * Output: the row that says how to parse, check, store and print the value.
 */
#include "config/options.h"

#include <ctype.h>
#include <strings.h>

#include "config/foreign.h"
#include "config/specials.h"

static const struct option options[OPTION_COUNT] = {
#define ROW(keyword_, kind_, scope_) .keyword = #keyword_, .kind = OPTION_##kind_, .scope = OPTION_##scope_
#define FIELD(field_) .offset = offsetof(struct config, field_)
#define FLAG(keyword_, field_, default_, scope_)                                                             \
    {ROW(keyword_, FLAG, scope_), FIELD(field_), .number = (default_)},
#define NUMBER(keyword_, field_, default_, min_, max_, scope_)                                               \
    {ROW(keyword_, NUMBER, scope_), FIELD(field_), .number = (default_), .min = (min_), .max = (max_)},
#define SECONDS(keyword_, field_, default_, min_, max_, scope_)                                              \
    {ROW(keyword_, SECONDS, scope_), FIELD(field_), .number = (default_), .min = (min_), .max = (max_)},
#define WORD(keyword_, field_, default_, scope_)                                                             \
    {ROW(keyword_, WORD, scope_), FIELD(field_), .text = (default_)},
#define CHOICE(keyword_, field_, default_, choices_, scope_)                                                 \
    {ROW(keyword_, CHOICE, scope_), FIELD(field_), .text = (default_), .choices = (choices_)},
#define REST(keyword_, field_, default_, scope_)                                                             \
    {ROW(keyword_, REST, scope_), FIELD(field_), .text = (default_)},
#define LIST(keyword_, field_, default_, scope_)                                                             \
    {ROW(keyword_, LIST, scope_), FIELD(field_), .text = (default_)},
#define REPEAT(keyword_, field_, default_, scope_)                                                           \
    {ROW(keyword_, REPEAT, scope_), FIELD(field_), .text = (default_)},
#define LINES(keyword_, field_, scope_) {ROW(keyword_, LINES, scope_), FIELD(field_), .text = ""},
#define NAMES(keyword_, field_, scope_) {ROW(keyword_, NAMES, scope_), FIELD(field_), .text = ""},
#define SPECIAL(keyword_, parser_, scope_) {ROW(keyword_, SPECIAL, scope_), .special = &special_##parser_},
#include "config/options.def"
#include "config/options_undef.h"
};

const struct option *option_at(size_t index)
{
    return &options[index];
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - options);
}

const struct option *option_find(const char *keyword)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcasecmp(options[i].keyword, keyword) == 0)
            return &options[i];
    return NULL;
}

#define KEYWORD_MAX 40u

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* How many letters have to be inserted, removed or replaced: one row of the classic table at a time. */
static unsigned letters_apart(const char *a, const char *b)
{
    unsigned row[KEYWORD_MAX + 1];
    size_t b_size = strlen(b);
    if (strlen(a) > KEYWORD_MAX || b_size > KEYWORD_MAX)
        return UINT32_MAX;
    for (unsigned j = 0; j <= b_size; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_size; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            unsigned cost = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = min3(cost, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b_size];
}

static void keep_nearer(const char *keyword, const char *candidate, const char **best, unsigned *distance)
{
    unsigned apart = letters_apart(keyword, candidate);
    if (apart < *distance) {
        *best = candidate;
        *distance = apart;
    }
}

const char *option_nearest(const char *keyword)
{
    const char *best = NULL;
    /* A third of the letters may differ: more is another word rather than a slip. */
    unsigned distance = (unsigned)size_min(strlen(keyword), KEYWORD_MAX) / 3 + 2;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        keep_nearer(keyword, options[i].keyword, &best, &distance);
    for (size_t i = 0; i < foreign_count(); i++)
        keep_nearer(keyword, foreign_keyword(i), &best, &distance);
    keep_nearer(keyword, "Include", &best, &distance);
    keep_nearer(keyword, "Match", &best, &distance);
    return best;
}
