/* Values of options: from a line's arguments, checked, into struct config. */
#pragma once

#include "base/decimal.h"
#include "base/lexer.h"
#include "config/error.h"
#include "config/options.h"

#define VALUE_LIST_MAX 4096u /* items of a list, however many lines fill it */

/* A checked value that is not in a struct config yet. Texts are borrowed from the line, but for `owned`. */
struct value {
    uint32_t number;
    const char *const *items; /* texts and lists: one or more */
    size_t count;
    const char *single; /* what items points to when it is no argument of the line */
    char *owned;
};

void value_clear(struct value *value);

/* CONFIG_E_INVALID: *why says what was expected, without place and keyword. Not for OPTION_SPECIAL. */
int value_parse(const struct option *option, const struct lexer_line *line, struct value *value,
                struct config_error *why) MUST_USE;
/* Replaces the field's contents, or adds to them if the field is a list and `append`. */
int value_store(const struct option *option, const struct value *value, bool append,
                struct config *config) MUST_USE;
/* The default of a field that has none yet. */
int value_store_default(const struct option *option, struct config *config) MUST_USE;
void value_free(const struct option *option, struct config *config);

bool value_is_in(const char *choices, const char *text, struct sp_span *choice);
