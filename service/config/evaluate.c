/*
 * Makes the effective configuration. Input: a struct config_source and whom it is for. Output: struct config, or the
 * first error. As in sshd_config(5): of several global lines with one keyword the first counts, of several in matching
 * Match blocks the first of those, and a block's value overrides the global one. Lists collect instead, on each of the
 * two levels. Every line is checked, in blocks that do not match as well: a mistake shows at load time, not on the day
 * when somebody matches.
 */
#include <errno.h>
#include <strings.h>

#include "config/error.h"
#include "config/foreign.h"
#include "base/lexer.h"
#include "config/listeners.h"
#include "config/match.h"
#include "config/modules.h"
#include "config/options.h"
#include "config/source.h"
#include "config/specials.h"
#include "config/values.h"

/* What holds at a line: a file begins with its includer's and gives it back at its end. */
struct block {
    const char *file;
    bool in_match;
    bool is_active;
    bool is_dead;         /* included from a block that does not match: no Match in it can */
    bool by_user;         /* a Match that encloses it asks for the user */
    bool by_user_outside; /* one around the file does */
};

struct evaluation {
    const struct config_who *who;
    struct config *config;
    struct config_error *error;
    struct block blocks[CONFIG_INCLUDE_DEPTH_MAX + 1];
    size_t depth;
    uint32_t line; /* under evaluation */
    bool is_set_global[OPTION_COUNT];
    bool is_set_match[OPTION_COUNT];
};

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        value_free(option_at(i), config);
    for (size_t i = 0; config->lines && i < OPTION_COUNT; i++)
        free(config->lines[i].file);
    free(config->lines);
    free(config);
}

static int set_defaults(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = option_at(i);
        if (option->kind == OPTION_SPECIAL) {
            option->special->set_default(config);
            continue;
        }
        int result = value_store_default(option, config);
        if (result != 0)
            return result;
    }
    return 0;
}

static bool collects(const struct option *option)
{
    return option->kind == OPTION_REPEAT || option->kind == OPTION_LINES;
}

/* Whether a line with this option takes effect; *append: it adds to what earlier lines have put there. */
static bool takes_effect(struct evaluation *e, const struct option *option, bool *append)
{
    const struct block *block = &e->blocks[e->depth];
    size_t index = option_index(option);
    if (!block->is_active || (!block->in_match && e->is_set_match[index]))
        return false;
    bool *is_set = block->in_match ? &e->is_set_match[index] : &e->is_set_global[index];
    if (*is_set && !collects(option))
        return false;
    *append = *is_set;
    *is_set = true;
    return true;
}

/* Noted for the first line of those that add up. */
static int note_line(struct evaluation *e, const struct option *option, bool append)
{
    struct config_line *line = &e->config->lines[option_index(option)];
    if (append)
        return 0;
    char *file = strdup(e->blocks[e->depth].file);
    if (!file)
        return -ENOMEM;
    free(line->file);
    *line = (struct config_line){.file = file, .line = e->line};
    return 0;
}

static int complain_about(struct evaluation *e, const struct config_place *place, const char *keyword,
                          const struct config_error *why)
{
    return config_complain(e->error, place, "%s: %s", keyword, why->text);
}

static int evaluate_special(struct evaluation *e, const struct option *option, const struct lexer_line *line,
                            struct config_error *why)
{
    struct config unused = {0};
    bool append = false;
    /* Parsed into a spare first: takes_effect() may be asked only about a line that is right. */
    int result = option->special->parse(line, &unused, why);
    if (result != 0 || !takes_effect(e, option, &append))
        return result;
    result = note_line(e, option, append);
    return result ? result : option->special->parse(line, e->config, why);
}

static int evaluate_plain(struct evaluation *e, const struct option *option, const struct lexer_line *line,
                          struct config_error *why)
{
    CLEANUP(value_clear) struct value value = {0};
    bool append = false;
    int result = value_parse(option, line, &value, why);
    if (result != 0 || !takes_effect(e, option, &append))
        return result;
    result = note_line(e, option, append);
    if (result == 0)
        result = value_store(option, &value, append, e->config);
    if (result == CONFIG_E_INVALID)
        return config_complain(why, NULL, "expected at most %u items in all lines together", VALUE_LIST_MAX);
    return result;
}

static int evaluate_option(struct evaluation *e, const struct option *option, const struct lexer_line *line,
                           const struct config_place *place)
{
    struct config_error why = {0};
    if (option->scope == OPTION_GLOBAL && e->blocks[e->depth].in_match)
        return config_complain(e->error, place,
                               "%s: expected before the first Match; it cannot differ by user or "
                               "address",
                               option->keyword);
    if (option_index(option) == OPTION_INDEX_Policy && e->blocks[e->depth].by_user)
        return config_complain(e->error, place,
                               "Policy: expected in a Match with Address, LocalAddress, LocalPort and "
                               "Listener alone; algorithms "
                               "are agreed on before anybody is named");
    int result = option->kind == OPTION_SPECIAL ? evaluate_special(e, option, line, &why)
                                                : evaluate_plain(e, option, line, &why);
    if (result == CONFIG_E_INVALID)
        return complain_about(e, place, option->keyword, &why);
    return result;
}

static int evaluate_match(struct evaluation *e, const struct lexer_line *line,
                          const struct config_place *place)
{
    struct block *block = &e->blocks[e->depth];
    struct config_error why = {0};
    bool matches = false;
    int result = match_line(line, e->who, &matches, &why);
    if (result == CONFIG_E_INVALID)
        return complain_about(e, place, "Match", &why);
    block->in_match = true;
    block->is_active = matches && !block->is_dead;
    block->by_user = block->by_user_outside || match_is_by_user(line);
    return result;
}

static int evaluate_foreign(struct evaluation *e, const struct lexer_line *line,
                            const struct config_place *place)
{
    struct config_error why = {0};
    int result = foreign_check(line, &why);
    if (result == 0)
        return 0;
    if (result == CONFIG_E_INVALID)
        return config_complain(e->error, place, "%s", why.text);
    const char *nearest = option_nearest(line->keyword);
    if (nearest)
        return config_complain(e->error, place, "unknown keyword \"%s\", expected perhaps \"%s\"",
                               line->keyword, nearest);
    return config_complain(e->error, place, "unknown keyword \"%s\", expected one of sallyport.conf(5)",
                           line->keyword);
}

static int evaluate_line(struct evaluation *e, const struct source_entry *entry)
{
    struct config_place place = {.file = e->blocks[e->depth].file, .line = entry->line};
    struct lexer_line line;
    e->line = entry->line;
    const char *why = "expected a keyword";
    if (lexer_split(sp_text(entry->text), &line, &why) != 0)
        return config_complain(e->error, &place, "%s", why);
    if (strcasecmp(line.keyword, "Match") == 0)
        return evaluate_match(e, &line, &place);
    const struct option *option = option_find(line.keyword);
    return option ? evaluate_option(e, option, &line, &place) : evaluate_foreign(e, &line, &place);
}

/* source_read_text() and config_source_unpack() see to it that files nest and are not too deep. */
static void begin_file(struct evaluation *e, const char *file)
{
    struct block outer = e->blocks[e->depth];
    e->blocks[++e->depth] = (struct block){
        .file = file,
        .in_match = outer.in_match,
        .is_active = outer.is_active,
        .is_dead = outer.is_dead || !outer.is_active,
        .by_user = outer.by_user,
        .by_user_outside = outer.by_user,
    };
}

static int evaluate_entry(struct evaluation *e, const struct source_entry *entry)
{
    switch (entry->kind) {
    case SOURCE_LINE:
        return evaluate_line(e, entry);
    case SOURCE_BEGIN:
        begin_file(e, entry->text);
        return 0;
    case SOURCE_END:
        e->depth--;
        return 0;
    case SOURCE_POLICY:
    case SOURCE_CERTIFICATE:
    case SOURCE_MODULE:
        break; /* files are kept apart from the lines */
    }
    return -EINVAL;
}

int config_evaluate(const struct config_source *source, const struct config_who *who, struct config **config,
                    struct config_error *error)
{
    CLEANUP(config_cleanup) struct config *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->lines = calloc(OPTION_COUNT, sizeof *made->lines);
    if (!made->lines)
        return -ENOMEM;
    struct evaluation e = {.who = who, .config = made, .error = error, .blocks[0].is_active = true};
    int result = set_defaults(made);
    for (size_t i = 0; i < source->count && result == 0; i++)
        result = evaluate_entry(&e, &source->entries[i]);
    if (result == 0)
        result = modules_take(source, made, error);
    if (result == 0)
        result = listeners_check(made, error);
    if (result != 0)
        return result;
    *config = TAKE(made);
    return 0;
}

const struct config_line *config_line(const struct config *config, const char *keyword)
{
    const struct option *option = option_find(keyword);
    const struct config_line *line = option && config->lines ? &config->lines[option_index(option)] : NULL;
    return line && line->file ? line : NULL;
}

const char *config_subsystem(const struct config *config, struct sp_span name)
{
    for (size_t i = 0; i < config->subsystems.count; i++) {
        const char *item = config->subsystems.items[i];
        size_t size = strcspn(item, " ");
        if (sp_span_equal(sp_span_of(item, size), name))
            return item[size] == ' ' ? item + size + 1 : item + size;
    }
    return NULL;
}
