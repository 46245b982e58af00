/*
 * Splits a line into keyword and arguments as sshd_config(5) does: blanks or one '=' behind the keyword, arguments
 * quoted with " or ', backslash before a quote or a backslash (and before a blank outside quotes), and a '#' where an
 * argument would begin starts a comment. Input: a line of a file or of a snapshot. Output: struct lexer_line.
 */
#include "base/lexer.h"

#include <ctype.h>

struct cursor {
    const char *at; /* in line->raw, which ends with NUL */
    char *to;       /* in line->text */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct sp_span trim(struct sp_span line)
{
    while (line.size != 0 && is_blank((char)line.data[0])) {
        line.data++;
        line.size--;
    }
    while (line.size != 0 && memchr(" \t\r\f", line.data[line.size - 1], 4) != NULL)
        line.size--;
    return line;
}

static bool has_control(struct sp_span line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7f)
            return true;
    return false;
}

static void skip_blanks(struct cursor *c)
{
    while (is_blank(*c->at))
        c->at++;
}

static int take_keyword(struct cursor *c, struct lexer_line *out, const char **why)
{
    out->keyword = c->to;
    while (isalnum((unsigned char)*c->at))
        *c->to++ = *c->at++;
    *c->to++ = '\0';
    if (out->keyword[0] == '\0' || (*c->at != '\0' && *c->at != '=' && !is_blank(*c->at))) {
        *why = "expected a keyword of letters and digits, then a blank or \"=\"";
        return LEXER_E_MALFORMED;
    }
    skip_blanks(c);
    if (*c->at == '=') {
        c->at++;
        skip_blanks(c);
    }
    return 0;
}

static bool is_escape(const char *at, char quote)
{
    return at[0] == '\\' && at[1] != '\0' &&
           (strchr("\\\"'", at[1]) != NULL || (at[1] == ' ' && quote == '\0'));
}

static int take_argument(struct cursor *c, const char **why)
{
    char quote = '\0';
    for (; *c->at != '\0' && (quote != '\0' || !is_blank(*c->at)); c->at++) {
        if (is_escape(c->at, quote))
            *c->to++ = *++c->at;
        else if (quote == '\0' && (*c->at == '"' || *c->at == '\''))
            quote = *c->at;
        else if (quote != '\0' && *c->at == quote)
            quote = '\0';
        else
            *c->to++ = *c->at;
    }
    if (quote != '\0') {
        *why = "expected a closing quote before the end of the line";
        return LEXER_E_MALFORMED;
    }
    *c->to++ = '\0';
    return 0;
}

static int take_arguments(struct cursor *c, struct lexer_line *out, const char **why)
{
    out->rest = out->rest_end = c->at;
    for (skip_blanks(c); *c->at != '\0' && *c->at != '#'; skip_blanks(c)) {
        if (out->count == LEXER_ARGUMENTS_MAX) {
            *why = "expected at most 512 arguments on one line";
            return LEXER_E_MALFORMED;
        }
        if (out->count == 1)
            out->second = c->at;
        out->arguments[out->count++] = c->to;
        int result = take_argument(c, why);
        if (result != 0)
            return result;
        out->rest_end = c->at;
    }
    return 0;
}

int lexer_split(struct sp_span line, struct lexer_line *out, const char **why)
{
    line = trim(line);
    if (line.size == 0 || line.data[0] == '#')
        return LEXER_E_EMPTY;
    if (line.size > LEXER_LINE_MAX) {
        *why = "expected at most 8192 octets on one line";
        return LEXER_E_MALFORMED;
    }
    if (has_control(line)) {
        *why = "expected text without control characters";
        return LEXER_E_MALFORMED;
    }
    memcpy(out->raw, line.data, line.size);
    out->raw[line.size] = '\0';
    out->count = 0;
    out->second = NULL;
    struct cursor c = {.at = out->raw, .to = out->text};
    int result = take_keyword(&c, out, why);
    return result != 0 ? result : take_arguments(&c, out, why);
}
