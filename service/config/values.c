/*
 * Parses and stores what stands behind a keyword, by the option's kind. Input: a line's arguments and a row of
 * options.def. Output: a checked struct value, then a field of struct config. Nothing is stored before everything on
 * the line was checked.
 */
#include "config/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "config/checks.h"
#include "policy/names.h"

void value_clear(struct value *value)
{
    free(value->owned);
}

bool value_is_in(const char *choices, const char *text, struct sp_span *choice)
{
    size_t size = strlen(text);
    for (;;) {
        size_t length = strcspn(choices, "|");
        if (length == size && strncasecmp(choices, text, size) == 0) {
            *choice = sp_span_of(choices, length);
            return true;
        }
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
}

static int expect_one(const struct lexer_line *line, const char *what, struct config_error *why)
{
    if (line->count == 0)
        return config_complain(why, NULL, "expected %s, got nothing", what);
    if (line->count > 1)
        return config_complain(why, NULL, "expected %s, got more than one argument: \"%s\"", what,
                               line->rest);
    return 0;
}

static int parse_flag(const struct option *option, const struct lexer_line *line, struct value *value,
                      struct config_error *why)
{
    const char *what = "\"yes\" or \"no\"";
    int result = expect_one(line, what, why);
    if (result != 0)
        return result;
    bool is_yes = strcasecmp(line->arguments[0], "yes") == 0;
    if (!is_yes && strcasecmp(line->arguments[0], "no") != 0)
        return config_complain(why, NULL, "expected %s, got \"%s\"", what, line->arguments[0]);
    value->number = is_yes ? 1 : 0;
    return 0;
}

static int parse_number(const struct option *option, const struct lexer_line *line, struct value *value,
                        struct config_error *why)
{
    char what[64];
    (void)snprintf(what, sizeof what, "a number from %" PRIu32 " to %" PRIu32, option->min, option->max);
    int result = expect_one(line, what, why);
    if (result != 0)
        return result;
    uint64_t number = 0;
    if (!decimal_parse(line->arguments[0], option->max, &number) || number < option->min)
        return config_complain(why, NULL, "expected %s, got \"%s\"", what, line->arguments[0]);
    value->number = (uint32_t)number;
    return 0;
}

static int parse_seconds(const struct option *option, const struct lexer_line *line, struct value *value,
                         struct config_error *why)
{
    char what[128];
    (void)snprintf(what, sizeof what,
                   "a time from %" PRIu32 " to %" PRIu32 " seconds such as 90, 2m or 1h30m%s", option->min,
                   option->max, option->min == 0 ? ", or \"none\"" : "");
    int result = expect_one(line, what, why);
    if (result != 0)
        return result;
    uint32_t seconds = 0;
    bool is_time =
        strcasecmp(line->arguments[0], "none") == 0 || duration_parse(line->arguments[0], &seconds);
    if (!is_time || seconds < option->min || seconds > option->max)
        return config_complain(why, NULL, "expected %s, got \"%s\"", what, line->arguments[0]);
    value->number = seconds;
    return 0;
}

static int parse_word(const struct option *option, const struct lexer_line *line, struct value *value,
                      struct config_error *why)
{
    int result = expect_one(line, "one argument", why);
    if (result != 0)
        return result;
    if (line->arguments[0][0] == '\0')
        return config_complain(why, NULL, "expected one argument, got \"\"");
    value->items = line->arguments;
    value->count = 1;
    return check_arguments(option, value->items, 1, why);
}

static int own(struct value *value, char *text)
{
    if (!text)
        return -ENOMEM;
    value->single = value->owned = text;
    value->items = &value->single;
    value->count = 1;
    return 0;
}

/* Stored as the table spells it, so that nobody else compares without regard to case. */
static int parse_choice(const struct option *option, const struct lexer_line *line, struct value *value,
                        struct config_error *why)
{
    int result = expect_one(line, "one word", why);
    if (result != 0)
        return result;
    struct sp_span choice = {0};
    const char *word = check_alias(option, line->arguments[0]);
    if (!value_is_in(option->choices, word, &choice))
        return config_complain(why, NULL, "expected one of %s, got \"%s\"", option->choices,
                               line->arguments[0]);
    return own(value, strndup((const char *)choice.data, choice.size));
}

static int parse_rest(const struct option *option, const struct lexer_line *line, struct value *value,
                      struct config_error *why)
{
    if (line->count == 0)
        return config_complain(why, NULL, "expected a command, got nothing");
    return own(value, strdup(line->rest));
}

static int parse_list(const struct option *option, const struct lexer_line *line, struct value *value,
                      struct config_error *why)
{
    if (line->count == 0)
        return config_complain(why, NULL, "expected one or more arguments, got nothing");
    value->items = line->arguments;
    value->count = line->count;
    return check_arguments(option, value->items, value->count, why);
}

static int parse_lines(const struct option *option, const struct lexer_line *line, struct value *value,
                       struct config_error *why)
{
    if (line->count < 2)
        return config_complain(why, NULL, "expected a name and a command, or what else the name is for");
    int result = check_arguments(option, line->arguments, 1, why);
    if (result == 0)
        result = check_lines_rest(option, line->arguments + 1, line->count - 1, why);
    if (result != 0)
        return result;
    char *item = NULL;
    int size =
        asprintf(&item, "%s %.*s", line->arguments[0], (int)(line->rest_end - line->second), line->second);
    return own(value, size < 0 ? NULL : item);
}

/* The form only: which names exist is for config_policy() to say, and whether they work here for who resolves that. */
static int parse_names(const struct option *option, const struct lexer_line *line, struct value *value,
                       struct config_error *why)
{
    int result = parse_word(option, line, value, why);
    if (result != 0)
        return result;
    const char *names = line->arguments[0] + (strchr("+-^", line->arguments[0][0]) ? 1 : 0);
    for (;;) {
        size_t size = strcspn(names, ",");
        if (!policy_is_name(sp_span_of(names, size)))
            return config_complain(
                why, NULL,
                "expected algorithm names of at most 64 characters separated by commas, got \"%s\"",
                line->arguments[0]);
        if (names[size] == '\0')
            return 0;
        names += size + 1;
    }
}

typedef int (*parse_fn)(const struct option *, const struct lexer_line *, struct value *,
                        struct config_error *);

static const parse_fn parsers[] = {
    [OPTION_FLAG] = parse_flag,   [OPTION_NUMBER] = parse_number, [OPTION_SECONDS] = parse_seconds,
    [OPTION_WORD] = parse_word,   [OPTION_CHOICE] = parse_choice, [OPTION_REST] = parse_rest,
    [OPTION_LIST] = parse_list,   [OPTION_REPEAT] = parse_list,   [OPTION_LINES] = parse_lines,
    [OPTION_NAMES] = parse_names,
};

int value_parse(const struct option *option, const struct lexer_line *line, struct value *value,
                struct config_error *why)
{
    return parsers[option->kind](option, line, value, why);
}
