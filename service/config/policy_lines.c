/*
 * Finds the lines that are about policies. Input: a struct config_source. Output: those lines with their places and blocks;
 * whom a block is for does not matter here, because every block is checked when the configuration is loaded.
 */
#include "config/policy_lines.h"

#include <errno.h>
#include <strings.h>

#include "base/lexer.h"
#include "config/options.h"

struct search {
    struct policy_lines *lines;
    struct config_error *error;
    const char *files[CONFIG_INCLUDE_DEPTH_MAX + 1];
    unsigned blocks[CONFIG_INCLUDE_DEPTH_MAX + 1]; /* in which Match each file is at */
    size_t depth;
    unsigned last_block;
};

void policy_lines_free(struct policy_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->items[i].text);
    free(lines->items);
    *lines = (struct policy_lines){0};
}

const struct policy_line *policy_lines_choice(const struct policy_lines *lines, unsigned block)
{
    for (size_t i = 0; i < lines->count; i++)
        if (lines->items[i].kind == POLICY_LINE_CHOICE && lines->items[i].block == block)
            return &lines->items[i];
    return NULL;
}

static int line_add(struct search *s, struct policy_line line, const char *text)
{
    struct policy_lines *lines = s->lines;
    if (lines->count == POLICY_LINES_MAX)
        return config_complain(s->error, &line.place, "expected at most %u lines about algorithms",
                               POLICY_LINES_MAX);
    struct policy_line *larger = reallocarray(lines->items, lines->count + 1, sizeof *larger);
    if (!larger)
        return -ENOMEM;
    lines->items = larger;
    line.text = strdup(text);
    if (!line.text)
        return -ENOMEM;
    larger[lines->count++] = line;
    return 0;
}

static bool names_find(const struct option *option, enum policy_kind *kind)
{
    for (enum policy_kind at = 0; at < POLICY_KINDS; at++)
        if (strcmp(policy_keyword(at), option->keyword) == 0) {
            *kind = at;
            return true;
        }
    return false;
}

static int option_take(struct search *s, const struct option *option, const struct lexer_line *words,
                       struct policy_line line)
{
    if (option_index(option) == OPTION_INDEX_Policy) {
        line.kind = POLICY_LINE_CHOICE;
        return line_add(s, line, words->arguments[0]);
    }
    if (option_index(option) == OPTION_INDEX_PolicyMode && words->count == 2) {
        line.kind = POLICY_LINE_REPORT;
        return line_add(s, line, words->arguments[1]);
    }
    if (option->kind != OPTION_NAMES || !names_find(option, &line.names))
        return 0;
    line.kind = POLICY_LINE_NAMES;
    return line_add(s, line, words->arguments[0]);
}

static int line_take(struct search *s, const struct source_entry *entry)
{
    struct lexer_line words;
    const char *why = NULL;
    const struct policy_line line = {.place = {.file = s->files[s->depth], .line = entry->line},
                                     .block = s->blocks[s->depth]};
    if (lexer_split(sp_text(entry->text), &words, &why) != 0)
        return 0;
    if (strcasecmp(words.keyword, "Match") == 0) {
        s->blocks[s->depth] = ++s->last_block;
        return 0;
    }
    const struct option *option = option_find(words.keyword);
    return option && words.count != 0 ? option_take(s, option, &words, line) : 0;
}

static int entry_take(struct search *s, const struct source_entry *entry)
{
    switch (entry->kind) {
    case SOURCE_LINE:
        return line_take(s, entry);
    case SOURCE_BEGIN: /* in the includer's block; config_source_unpack() sees to the depth */
        s->depth++;
        s->files[s->depth] = entry->text;
        s->blocks[s->depth] = s->blocks[s->depth - 1];
        return 0;
    case SOURCE_END:
        s->depth--;
        return 0;
    case SOURCE_POLICY:
    case SOURCE_CERTIFICATE:
    case SOURCE_MODULE:
        break;
    }
    return -EINVAL;
}

int policy_lines_find(const struct config_source *source, struct policy_lines *lines,
                      struct config_error *error)
{
    struct search s = {.lines = lines, .error = error, .files = {"configuration"}};
    int result = 0;
    *lines = (struct policy_lines){0};
    for (size_t i = 0; i < source->count && result == 0; i++)
        result = entry_take(&s, &source->entries[i]);
    if (result != 0)
        policy_lines_free(lines);
    return result;
}
