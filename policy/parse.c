/*
 * A policy file: one keyword and its arguments on each line, in the grammar of sshd_config(5). Input: the text, and what
 * was read of it in advance. Output: a changed policy and what the file says of itself, or an error with file and line.
 *
 *     Name NAME, Description TEXT, Source TEXT (may repeat), Serial N, Expires DATE
 *     SubPolicy yes, AllowLoosening yes|no
 *     Inherit NAME                      in front of every list and rule
 *     KexAlgorithms [+-^]NAMES ...      the lists; behind "+" also NotAfter DATE, Address PATTERNS
 *     RequiredRSASize BITS ...          the rules (rules.c)
 */
#include "policy/parse.h"

#include <errno.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/addresses.h"
#include "base/decimal.h"
#include "base/lexer.h"
#include "policy/apply.h"
#include "policy/date.h"
#include "policy/error.h"
#include "policy/hint.h"
#include "policy/history.h"

#define DESCRIPTION_MAX 256u
#define NAME_ARGS(span_) (int)(span_).size, (const char *)(span_).data

struct parser {
    struct policy *policy;
    const struct source_header *header;
    struct parse_facts *facts;
    struct policy_origin origin; /* the line that is being read */
    unsigned seen;               /* bit per row of `words` */
    bool has_body;               /* a list or a rule */
    struct policy_error *error;
};

struct word {
    const char *keyword;
    bool may_repeat;
    int (*take)(struct parser *parser, const struct lexer_line *line);
};

static int expected(struct parser *parser, const struct lexer_line *line, const char *what)
{
    return policy_refuse(parser->error, &parser->origin, "%s: expected %s, got \"%.*s\"", line->keyword, what,
                         (int)(line->rest_end - line->rest), line->rest);
}

/* ---- what a file says of itself ---- */

/* The arguments with one blank between; NULL: no memory. */
static char *joined(const struct lexer_line *line)
{
    size_t size = 1;
    for (size_t i = 0; i < line->count; i++)
        size += strlen(line->arguments[i]) + 1;
    char *text = malloc(size), *to = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < line->count; i++) {
        to = i == 0 ? to : stpcpy(to, " ");
        to = stpcpy(to, line->arguments[i]);
    }
    *to = '\0';
    return text;
}

static int take_text(struct parser *parser, const struct lexer_line *line, char **text)
{
    char *made CLEANUP_FREE = joined(line);
    if (!made)
        return -ENOMEM;
    if (made[0] == '\0' || strlen(made) > DESCRIPTION_MAX)
        return expected(parser, line, "a text of 1 to 256 octets");
    free(*text);
    *text = TAKE(made);
    return 0;
}

static int take_description(struct parser *parser, const struct lexer_line *line)
{
    return take_text(parser, line, &parser->facts->description);
}

/* For readers of the file; nothing is done with it. */
static int take_source(struct parser *parser, const struct lexer_line *line)
{
    char *text CLEANUP_FREE = NULL;
    return take_text(parser, line, &text);
}

/* The name that the file has to be found under, so that what is signed as one policy is never taken for another. */
static int take_name(struct parser *parser, const struct lexer_line *line)
{
    const char *file = parser->origin.file ? parser->origin.file : SOURCE_DEFAULT SOURCE_SUFFIX;
    const char *slash = strrchr(file, '/');
    struct sp_span name = sp_text(slash ? slash + 1 : file);
    name.size -= size_min(name.size, strlen(SOURCE_SUFFIX));
    if (line->count != 1 || !sp_span_is(name, line->arguments[0]))
        return policy_refuse(parser->error, &parser->origin,
                             "Name: expected \"%.*s\", as the file is called, got \"%.*s\"", NAME_ARGS(name),
                             (int)(line->rest_end - line->rest), line->rest);
    return 0;
}

static int take_serial(struct parser *parser, const struct lexer_line *line)
{
    uint64_t serial = 0;
    if (line->count != 1 || !decimal_parse(line->arguments[0], UINT64_MAX, &serial) || serial == 0)
        return expected(parser, line, "a number from 1 on");
    parser->facts->serial = serial;
    return 0;
}

static int take_expires(struct parser *parser, const struct lexer_line *line)
{
    if (line->count != 1 || !date_parse(line->arguments[0], &parser->facts->expires))
        return expected(parser, line, "a date, " DATE_EXPECTED);
    parser->facts->expires_line = parser->origin.line;
    return 0;
}

static bool is_yes_or_no(const struct lexer_line *line)
{
    return line->count == 1 &&
           (strcasecmp(line->arguments[0], "yes") == 0 || strcasecmp(line->arguments[0], "no") == 0);
}

/* What SubPolicy, AllowLoosening and Inherit mean was read in advance (source_scan); here their form is checked. */
static int take_flag(struct parser *parser, const struct lexer_line *line)
{
    return is_yes_or_no(line) ? 0 : expected(parser, line, "yes or no");
}

static int take_inherit(struct parser *parser, const struct lexer_line *line)
{
    if (line->count != 1)
        return expected(parser, line, "one name of a policy");
    if (parser->header->is_sub)
        return policy_refuse(
            parser->error, &parser->origin,
            "Inherit: a sub-policy only modifies what stands in front of it in \"BASE:SUB\"");
    if (parser->has_body)
        return policy_refuse(parser->error, &parser->origin,
                             "Inherit: expected it before every list and rule");
    return 0;
}

/* ---- lists ---- */

static bool matches_anybody(const char *patterns)
{
    for (struct sp_span list = sp_text(patterns); list.size != 0;)
        if (sp_next_name(&list).data[0] != '!')
            return true;
    return false;
}

/* One of the pairs behind the names of a "+" line. */
static int take_condition(struct parser *parser, const char *word, const char *value, struct list_line *made)
{
    if (strcasecmp(word, "NotAfter") == 0 && made->not_after == 0) {
        if (!date_parse(value, &made->not_after))
            return policy_refuse(parser->error, &parser->origin, "NotAfter: expected a date, %s, got \"%s\"",
                                 DATE_EXPECTED, value);
        return 0;
    }
    if (strcasecmp(word, "Address") == 0 && !made->addresses) {
        if (strlen(value) > LIST_ADDRESSES_MAX || !addresses_are_valid(value, true))
            return policy_refuse(
                parser->error, &parser->origin,
                "Address: expected a comma-separated list of at most %u octets of addresses, CIDR "
                "blocks without host bits and wildcards, got \"%s\"",
                LIST_ADDRESSES_MAX, value);
        if (!matches_anybody(value))
            return policy_refuse(
                parser->error, &parser->origin,
                "Address: expected a pattern without \"!\" among them, as \"%s\" matches nobody", value);
        made->addresses = value;
        return 0;
    }
    return policy_refuse(
        parser->error, &parser->origin,
        "%s: expected NotAfter DATE or Address PATTERNS, each once, behind the names, got \"%s\"",
        policy_keyword(made->kind), word);
}

static int take_conditions(struct parser *parser, const struct lexer_line *line, struct list_line *made)
{
    if (line->count > 1 && made->action != LIST_ADD)
        return policy_refuse(
            parser->error, &parser->origin,
            "%s: expected one list without blanks, got \"%s\" behind it (NotAfter and Address are "
            "possible behind \"+\" alone)",
            policy_keyword(made->kind), line->arguments[1]);
    for (size_t i = 1; i < line->count; i += 2) {
        const char *value = i + 1 < line->count ? line->arguments[i + 1] : "";
        int result = take_condition(parser, line->arguments[i], value, made);
        if (result != 0)
            return result;
    }
    return 0;
}

static bool may_loosen(const struct source_header *header)
{
    return !header->is_sub || header->may_loosen;
}

static int take_list(struct parser *parser, enum policy_kind kind, const struct lexer_line *line)
{
    struct list_line made = {.kind = kind, .origin = parser->origin};
    made.names = sp_text(line->count != 0 ? line->arguments[0] : "");
    made.action = apply_take_prefix(&made.names);
    int result = apply_check_names(parser->policy, kind, made.action, made.names, made.origin, parser->error);
    if (result == 0)
        result = take_conditions(parser, line, &made);
    return result != 0 ? result
                       : apply_list(parser->policy, &made, may_loosen(parser->header), parser->error);
}

static int take_rule(struct parser *parser, enum policy_rule rule, const struct lexer_line *line)
{
    return apply_rule(parser->policy, rule, line->arguments, line->count, parser->origin,
                      may_loosen(parser->header), parser->error);
}

/* ---- keywords ---- */

static const struct word words[] = {
    {"Description", false, take_description}, {"Source", true, take_source},
    {"Serial", false, take_serial},           {"Expires", false, take_expires},
    {"SubPolicy", false, take_flag},          {"AllowLoosening", false, take_flag},
    {"Inherit", false, take_inherit},         {"Name", false, take_name},
};

static enum policy_kind kind_find(const char *keyword)
{
    enum policy_kind kind = 0;
    while (kind < POLICY_KINDS && strcasecmp(policy_keyword(kind), keyword) != 0)
        kind++;
    return kind;
}

static int refuse_keyword(struct parser *parser, const char *keyword)
{
    struct hint hint = {0};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        hint_try(&hint, sp_text(keyword), words[i].keyword);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        hint_try(&hint, sp_text(keyword), policy_keyword(kind));
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++)
        hint_try(&hint, sp_text(keyword), policy_rule_keyword(rule));
    if (hint.best)
        return policy_refuse(parser->error, &parser->origin, "unknown keyword \"%.64s\", perhaps \"%s\"",
                             keyword, hint.best);
    return policy_refuse(
        parser->error, &parser->origin,
        "unknown keyword \"%.64s\"; expected a list such as KexAlgorithms, a rule such as "
        "RequiredRSASize, or Name, Description, Source, Serial, Expires, SubPolicy, AllowLoosening, Inherit",
        keyword);
}

static int take_word(struct parser *parser, size_t at, const struct lexer_line *line)
{
    if (!words[at].may_repeat && (parser->seen & 1u << at))
        return policy_refuse(parser->error, &parser->origin, "%s: expected it once in a file",
                             words[at].keyword);
    parser->seen |= 1u << at;
    return words[at].take(parser, line);
}

static int take_line(struct parser *parser, const struct lexer_line *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(words[i].keyword, line->keyword) == 0)
            return take_word(parser, i, line);
    enum policy_kind kind = kind_find(line->keyword);
    enum policy_rule rule = rule_find(line->keyword);
    if (kind == POLICY_KINDS && rule == POLICY_RULES)
        return refuse_keyword(parser, line->keyword);
    parser->has_body = true;
    return kind != POLICY_KINDS ? take_list(parser, kind, line) : take_rule(parser, rule, line);
}

int parse_file(struct policy *policy, const char *file, struct sp_span text,
               const struct source_header *header, struct parse_facts *facts, struct policy_error *error)
{
    struct parser parser = {
        .policy = policy, .header = header, .facts = facts, .origin = {.file = file}, .error = error};
    struct sp_span line;
    int result = 0;
    while (result == 0 && source_next_line(&text, &line)) {
        struct lexer_line split;
        const char *why = "";
        parser.origin.line++;
        switch (lexer_split(line, &split, &why)) {
        case 0:
            result = take_line(&parser, &split);
            break;
        case LEXER_E_MALFORMED:
            result = policy_refuse(error, &parser.origin, "%s", why);
            break;
        default:
            break;
        }
    }
    return result;
}
