/*
 * Whether one policy is at least as strict as another. Input: two policies. Output: the first thing that the inner one
 * allows and the outer one does not. It is compared as written, without a build, so that the answer holds on every one.
 */
#include <stdio.h>

#include "policy/date.h"
#include "policy/error.h"
#include "policy/list.h"
#include "policy/rules.h"

/* "for good", "until DATE", "for PATTERNS". */
static void condition_text(const struct policy_entry *entry, char *text, size_t size)
{
    char date[DATE_TEXT_MAX] = "";
    if (!list_entry_is_exception(entry)) {
        snprintf(text, size, "for good");
        return;
    }
    if (entry->not_after != 0)
        date_text(entry->not_after, date);
    snprintf(text, size, "%s%s%s%s%s", entry->not_after != 0 ? "until " : "", date,
             entry->not_after != 0 && entry->addresses ? " " : "", entry->addresses ? "for " : "",
             entry->addresses ? entry->addresses : "");
}

static int refuse_entry(const struct policy *outer, enum policy_kind kind, const struct policy_entry *entry,
                        struct policy_error *error)
{
    const struct policy_list *list = &outer->lists[kind];
    size_t at = list_find(list, sp_text(entry->name), 0);
    char inner_condition[320], outer_condition[320], place[POLICY_ORIGIN_MAX];
    if (at == list->count)
        return policy_refuse(error, &entry->origin, "%s: this allows %s, which policy %s does not",
                             policy_keyword(kind), entry->name, outer->spec);
    condition_text(entry, inner_condition, sizeof inner_condition);
    condition_text(&list->entries[at], outer_condition, sizeof outer_condition);
    return policy_refuse(error, &entry->origin, "%s: this allows %s %s, and %s only %s", policy_keyword(kind),
                         entry->name, inner_condition, policy_origin_text(list->entries[at].origin, place),
                         outer_condition);
}

static int refuse_rule(const struct policy *outer, const struct policy *inner, enum policy_rule rule,
                       struct policy_error *error)
{
    char outer_text[160], inner_text[160], place[POLICY_ORIGIN_MAX];
    const char *keyword = policy_rule_keyword(rule);
    policy_origin_text(outer->rules.origins[rule], place);
    rule_text(rule, &outer->rules, outer_text, sizeof outer_text);
    rule_text(rule, &inner->rules, inner_text, sizeof inner_text);
    if (!rule_is_set(rule, &inner->rules) && inner->rules.origins[rule].line == 0)
        return policy_refuse(error, NULL, "policy %s has no %s, and %s asks for \"%s\"", inner->spec, keyword,
                             place, outer_text);
    return policy_refuse(error, &inner->rules.origins[rule], "%s \"%s\" is looser than \"%s\" in %s", keyword,
                         inner_text, outer_text, place);
}

int policy_compare(const struct policy *outer, const struct policy *inner, struct policy_error *error)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const struct policy_entry *looser = list_find_looser(&outer->lists[kind], &inner->lists[kind]);
        if (looser)
            return refuse_entry(outer, kind, looser, error);
    }
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++)
        if (rule_is_looser(rule, &outer->rules, &inner->rules))
            return refuse_rule(outer, inner, rule, error);
    return 0;
}
