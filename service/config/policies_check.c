/*
 * Whether a configuration keeps to the policies that it names, for everybody whom it may ever be evaluated for. Input: the
 * lines and the policy files. Output: nothing, or the first line that does not, so that it is refused when it is loaded and
 * not on the day when somebody matches.
 */
#include <errno.h>

#include "config/policies.h"
#include "config/policy_lines.h"

struct checking {
    const struct config_source *source;
    const struct config *config;     /* everybody's */
    const struct policy_line *named; /* the Policy before the first Match; NULL: none */
    struct policy_lines lines;
    int64_t now;
    struct config_error *error;
};

static void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static int complain_about(const struct checking *c, const struct policy_line *line, const char *keyword,
                          const char *why)
{
    return config_complain(c->error, &line->place, "%s %s: %s", keyword, line->text, why);
}

/* The policy of a Match, with the lists that are everybody's; and it adds nothing to everybody's policy, if that is named. */
static int choice_check(struct checking *c, const struct policy_line *line, const struct policy *outer)
{
    CLEANUP(policy_cleanup) struct policy *inner = NULL;
    struct config_error inside;
    struct policy_error why;
    int result = config_policy_of(c->source, c->config, line->text, c->now, &inner, &inside);
    if (result == CONFIG_E_INVALID)
        return config_complain(c->error, &line->place, "%s", inside.text);
    if (result != 0 || !c->named || outer->may_loosen || line->block == 0)
        return result;
    result = policy_compare(outer, inner, &why);
    return result == POLICY_E_INVALID ? complain_about(c, line, "Policy", why.text) : result;
}

/* A list in a Match, on the policy that holds there. */
static int names_check(struct checking *c, const struct policy_line *line)
{
    const struct policy_line *choice = policy_lines_choice(&c->lines, line->block);
    const char *spec = choice ? choice->text : config_policy_spec(c->config);
    bool is_named = choice || c->config->policy[0] != '\0';
    CLEANUP(policy_cleanup) struct policy *outer = NULL;
    CLEANUP(policy_cleanup) struct policy *inner = NULL;
    struct policy_error why;
    int result = policy_load(c->source->policies, spec, c->now, &outer, &why);
    if (result == 0)
        result = policy_load(c->source->policies, spec, c->now, &inner, &why);
    if (result == 0)
        result = policy_amend(inner, line->names, line->text, line->place.file, line->place.line, &why);
    if (result == 0 && is_named && !outer->may_loosen)
        result = policy_compare(outer, inner, &why);
    return result == POLICY_E_INVALID ? complain_about(c, line, policy_keyword(line->names), why.text)
                                      : result;
}

static int lines_check(struct checking *c, const struct policy *outer)
{
    int result = 0;
    for (size_t i = 0; i < c->lines.count && result == 0; i++) {
        const struct policy_line *line = &c->lines.items[i];
        if (line->kind == POLICY_LINE_CHOICE)
            result = choice_check(c, line, outer);
        else if (line->kind == POLICY_LINE_NAMES && line->block != 0)
            result = names_check(c, line);
    }
    return result;
}

static int reported_check(struct checking *c)
{
    CLEANUP(policy_cleanup) struct policy *reported = NULL;
    const struct config_line *line = config_line(c->config, "PolicyMode");
    struct config_error inside;
    int result = config_policy_reported(c->source, c->config, c->now, &reported, &inside);
    if (result != CONFIG_E_INVALID)
        return result;
    const struct config_place place = {.file = line ? line->file : "", .line = line ? line->line : 0};
    return config_complain(c->error, &place, "PolicyMode: %s", inside.text);
}

int config_policies_check(const struct config_source *source, int64_t now, struct config_error *error)
{
    CLEANUP(config_cleanup) struct config *config = NULL;
    CLEANUP(policy_cleanup) struct policy *outer = NULL;
    struct config_policies policies = {0};
    struct checking c = {.source = source, .now = now, .error = error};
    int result = config_evaluate(source, &(struct config_who){0}, &config, error);
    if (result != 0)
        return result;
    c.config = config;
    result = config_policies_find(source, config, &policies, error); /* how many */
    config_policies_free(&policies);
    if (result == 0)
        result = policy_lines_find(source, &c.lines, error);
    /* Not what holds for nobody: "Match all" would then be measured by itself. */
    if (result == 0) {
        c.named = policy_lines_choice(&c.lines, 0);
        result = config_policy_of(source, config, c.named ? c.named->text : CONFIG_POLICY_DEFAULT, now,
                                  &outer, error);
    }
    if (result == 0)
        result = lines_check(&c, outer);
    if (result == 0)
        result = reported_check(&c);
    policy_lines_free(&c.lines);
    return result;
}
