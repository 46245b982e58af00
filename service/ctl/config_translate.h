/*
 * A line of OpenSSH's sshd_config in this server's words: taken over, changed, or left out with a reason. By the tables that
 * the server itself reads its configuration with, so that what is taken over is accepted. Pure.
 */
#pragma once

#include "base/lexer.h"

#include "base/util.h"

enum translation_kind {
    TRANSLATED_KEPT,      /* text: the line */
    TRANSLATED_CHANGED,   /* text: another line, why: what is different about it */
    TRANSLATED_SAME,      /* it asks for what happens here anyway */
    TRANSLATED_LEFT_OUT,  /* why */
    TRANSLATED_ATTENTION, /* left out, or text: what is in its place; and more may be permitted than before */
};

struct translation {
    enum translation_kind kind;
    bool is_global; /* it may not stand in a Match */
    char text[LEXER_LINE_MAX + 256];
    char why[1024];
};

/* HostKey is the caller's. in_match: the line stands in a Match block. */
void config_translate(const struct lexer_line *line, bool in_match, struct translation *translation);
/* Whether leaving out a line with this keyword may permit more than before. */
bool config_restricts(const char *keyword);
/* Whether the criteria of a Match line exist here; if not, why. */
bool config_match_fits(const struct lexer_line *line, char *why, size_t why_size);
