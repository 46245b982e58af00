/* The rows of options.def as data, for the evaluation, the printer and the tests. */
#pragma once

#include "config/config.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_NUMBER,
    OPTION_SECONDS,
    OPTION_WORD,
    OPTION_CHOICE,
    OPTION_REST,
    OPTION_LIST,
    OPTION_REPEAT,
    OPTION_LINES,
    OPTION_NAMES,
    OPTION_SPECIAL,
};

enum option_scope { OPTION_GLOBAL, OPTION_MATCH };

struct special;

struct option {
    const char *keyword;
    enum option_kind kind;
    enum option_scope scope;
    size_t offset;   /* of the field in struct config; OPTION_SPECIAL has none */
    uint32_t number; /* default of flags, numbers and seconds */
    uint32_t min, max;
    const char *text;    /* default of texts; of lists: items with blanks between them */
    const char *choices; /* "a|b|c" */
    const struct special *special;
};

enum {
#define FLAG(keyword_, field_, default_, scope_) OPTION_INDEX_##keyword_,
#define NUMBER(keyword_, field_, default_, min_, max_, scope_) OPTION_INDEX_##keyword_,
#define SECONDS(keyword_, field_, default_, min_, max_, scope_) OPTION_INDEX_##keyword_,
#define WORD(keyword_, field_, default_, scope_) OPTION_INDEX_##keyword_,
#define CHOICE(keyword_, field_, default_, choices_, scope_) OPTION_INDEX_##keyword_,
#define REST(keyword_, field_, default_, scope_) OPTION_INDEX_##keyword_,
#define LIST(keyword_, field_, default_, scope_) OPTION_INDEX_##keyword_,
#define REPEAT(keyword_, field_, default_, scope_) OPTION_INDEX_##keyword_,
#define LINES(keyword_, field_, scope_) OPTION_INDEX_##keyword_,
#define NAMES(keyword_, field_, scope_) OPTION_INDEX_##keyword_,
#define SPECIAL(keyword_, parser_, scope_) OPTION_INDEX_##keyword_,
#include "config/options.def"
#include "config/options_undef.h"
    OPTION_COUNT,
};

const struct option *option_at(size_t index); /* index < OPTION_COUNT, in the order of options.def */
size_t option_index(const struct option *option);
/* Letters of either case; NULL: no such keyword. */
const struct option *option_find(const char *keyword);

/* The keyword of ours or of OpenSSH's that a misspelled one most resembles; NULL: none does. */
const char *option_nearest(const char *keyword);

static inline void *option_field(const struct option *option, struct config *config)
{
    return (char *)config + option->offset;
}

static inline const void *option_field_const(const struct option *option, const struct config *config)
{
    return (const char *)config + option->offset;
}
