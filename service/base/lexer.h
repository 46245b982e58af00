/* One line of a configuration or policy, taken apart. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define LEXER_LINE_MAX 8192u
#define LEXER_ARGUMENTS_MAX 512u

struct lexer_line {
    const char *keyword;
    const char *arguments[LEXER_ARGUMENTS_MAX]; /* quotes and escapes resolved */
    size_t count;
    const char *rest;     /* everything behind the keyword as it stands, comments too */
    const char *second;   /* where the second argument begins in `rest`; NULL: there is none */
    const char *rest_end; /* behind the last argument in `rest`, so without a comment */
    char raw[LEXER_LINE_MAX + 1];
    char text[LEXER_LINE_MAX + 2];
};

enum {
    LEXER_E_EMPTY = 1,     /* nothing but blanks or a comment */
    LEXER_E_MALFORMED = 2, /* *why says what is wrong */
};

/* `line` is without its newline. *out points into itself: do not copy it. */
int lexer_split(struct sp_span line, struct lexer_line *out, const char **why) MUST_USE;
