/*
 * Prints the effective configuration as `sshd -T` prints its own: one "keyword value" per line, keywords in lower case,
 * lists that collect on a line each, algorithm lists as they stand. Input:
 * struct config. Output: a descriptor. What is printed can be read as a configuration again and means the same.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "config/options.h"
#include "config/specials.h"

static void print_keyword(const struct option *option, FILE *out)
{
    for (const char *at = option->keyword; *at != '\0'; at++)
        fputc(tolower((unsigned char)*at), out);
}

static void print_text(const struct option *option, const char *text, FILE *out)
{
    print_keyword(option, out);
    /* One '=' behind the keyword is none of the value's. */
    fprintf(out, " %s%s\n", text[0] == '=' ? "= " : "", text);
}

static void print_argument(const char *argument, FILE *out)
{
    if (argument[0] != '\0' && !strchr("#=", argument[0]) && !strpbrk(argument, " \t\"'\\")) {
        fputs(argument, out);
        return;
    }
    fputc('"', out);
    for (; *argument != '\0'; argument++) {
        if (*argument == '"' || *argument == '\'' || *argument == '\\')
            fputc('\\', out);
        fputc(*argument, out);
    }
    fputc('"', out);
}

static void print_quoted(const struct option *option, const char *argument, FILE *out)
{
    if (argument[0] == '\0')
        return;
    print_keyword(option, out);
    fputc(' ', out);
    print_argument(argument, out);
    fputc('\n', out);
}

static void print_list(const struct option *option, const struct config_list *list, FILE *out)
{
    if (list->count == 0)
        return;
    print_keyword(option, out);
    for (size_t i = 0; i < list->count; i++) {
        fputc(' ', out);
        print_argument(list->items[i], out);
    }
    fputc('\n', out);
}

static void print_each(const struct option *option, const struct config_list *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++)
        if (option->kind == OPTION_LINES)
            print_text(option, list->items[i], out);
        else
            print_quoted(option, list->items[i], out);
}

static void print_number(const struct option *option, uint32_t number, FILE *out)
{
    print_keyword(option, out);
    fprintf(out, " %" PRIu32 "\n", number);
}

static void print_special(const struct option *option, const struct config *config, FILE *out)
{
    print_keyword(option, out);
    fputc(' ', out);
    option->special->print(config, out);
    fputc('\n', out);
}

static void print_option(const struct option *option, const struct config *config, FILE *out)
{
    const void *field = option_field_const(option, config);
    switch (option->kind) {
    case OPTION_FLAG:
        print_text(option, *(const bool *)field ? "yes" : "no", out);
        break;
    case OPTION_NUMBER:
    case OPTION_SECONDS:
        print_number(option, *(const uint32_t *)field, out);
        break;
    case OPTION_WORD:
    case OPTION_CHOICE:
    case OPTION_NAMES:
        print_quoted(option, *(char *const *)field, out);
        break;
    case OPTION_REST:
        print_text(option, *(char *const *)field, out);
        break;
    case OPTION_LIST:
        print_list(option, field, out);
        break;
    case OPTION_REPEAT:
    case OPTION_LINES:
        print_each(option, field, out);
        break;
    case OPTION_SPECIAL:
        print_special(option, config, out);
        break;
    }
}

int config_print(const struct config *config, int fd)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        print_option(option_at(i), config, out);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return -ENOMEM;
    return fd_write_all(fd, sp_span_of(text, size));
}
