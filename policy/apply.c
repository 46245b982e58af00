/*
 * One line's effect on a policy. Input: lists and rules of policy files, of generated files and of the configuration.
 * Output: the changed policy and its history, or an error with the line and an unchanged policy.
 */
#include "policy/apply.h"

#include <errno.h>

#include <sallyport/wire.h>

#include "base/wildcard.h"
#include "policy/build.h"
#include "policy/catalog.h"
#include "policy/error.h"
#include "policy/history.h"
#include "policy/names.h"

#define NAME_ARGS(span_) (int)(span_).size, (const char *)(span_).data
#define NO_LOOSENING "a sub-policy may only tighten unless it says \"AllowLoosening yes\""

static int refuse_unknown(enum policy_kind kind, struct sp_span name, struct policy_origin origin,
                          struct policy_error *error)
{
    const char *hint = catalog_hint(kind, name);
    if (hint)
        return policy_refuse(error, &origin, "%s: unknown algorithm \"%.*s\", perhaps \"%s\"",
                             policy_keyword(kind), NAME_ARGS(name), hint);
    return policy_refuse(error, &origin, "%s: unknown algorithm \"%.*s\"", policy_keyword(kind),
                         NAME_ARGS(name));
}

static int check_let_in(const struct policy *policy, enum policy_kind kind, struct sp_span name,
                        struct policy_origin origin, struct policy_error *error)
{
    const char *reason;
    if (wildcard_is_in(name))
        return policy_refuse(error, &origin, "%s: \"%.*s\": wildcards are possible only behind \"-\"",
                             policy_keyword(kind), NAME_ARGS(name));
    if (build_is_loaded(policy, kind, name))
        return 0;
    switch (catalog_class(kind, name, &reason)) {
    case CATALOG_OURS:
    case CATALOG_FOREIGN:
        return 0;
    case CATALOG_BROKEN:
        return policy_refuse(error, &origin, "%s: \"%.*s\" is not for use: %s", policy_keyword(kind),
                             NAME_ARGS(name), reason);
    case CATALOG_UNKNOWN:
        break;
    }
    return refuse_unknown(kind, name, origin, error);
}

/* A misspelled removal must not pass, or the algorithm would stay in silently. */
static int check_removed(const struct policy *policy, enum policy_kind kind, struct sp_span pattern,
                         struct policy_origin origin, struct policy_error *error)
{
    if (catalog_matches(kind, pattern) || build_any_loaded_matches(policy, kind, pattern))
        return 0;
    const char *hint = catalog_hint(kind, pattern);
    return policy_refuse(error, &origin, "%s: \"-%.*s\" would remove nothing that exists%s%s%s",
                         policy_keyword(kind), NAME_ARGS(pattern), hint ? ", perhaps \"-" : "",
                         hint ? hint : "", hint ? "\"" : "");
}

int apply_check_names(const struct policy *policy, enum policy_kind kind, enum list_action action,
                      struct sp_span names, struct policy_origin origin, struct policy_error *error)
{
    if (names.size == 0 || names.data[names.size - 1] == ',')
        return policy_refuse(
            error, &origin,
            "%s: expected algorithm names separated by commas, without blanks and one behind each "
            "comma",
            policy_keyword(kind));
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        if (!policy_is_name(name))
            return policy_refuse(error, &origin,
                                 "%s: expected algorithm names separated by commas, got \"%.*s\"",
                                 policy_keyword(kind), NAME_ARGS(name));
        int result = action == LIST_REMOVE ? check_removed(policy, kind, name, origin, error)
                                           : check_let_in(policy, kind, name, origin, error);
        if (result != 0)
            return result;
    }
    return 0;
}

enum list_action apply_take_prefix(struct sp_span *names)
{
    if (names->size == 0 || !memchr("+-^", names->data[0], 3))
        return LIST_SET;
    enum list_action action = (enum list_action)names->data[0];
    names->data++;
    names->size--;
    return action;
}

static size_t exceptions_in(const struct policy_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += list_entry_is_exception(&list->entries[i]) ? 1 : 0;
    return count;
}

/* Exceptions of the whole policy once `made` has taken the place of its list. */
static size_t exceptions_with(const struct policy *policy, enum policy_kind changed,
                              const struct policy_list *made)
{
    size_t count = exceptions_in(made);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        count += kind == changed ? 0 : exceptions_in(&policy->lists[kind]);
    return count;
}

static int check_change(const struct policy *policy, const struct list_line *line,
                        const struct policy_list *made, bool may_loosen, struct policy_error *error)
{
    const struct policy_entry *looser = NULL;
    if (exceptions_with(policy, line->kind, made) > POLICY_EXCEPTIONS_MAX)
        return policy_refuse(error, &line->origin,
                             "%s: expected at most %u algorithms with NotAfter or Address in a policy",
                             policy_keyword(line->kind), POLICY_EXCEPTIONS_MAX);
    if (!may_loosen)
        looser = list_find_looser(&policy->lists[line->kind], made);
    if (looser)
        return policy_refuse(error, &line->origin, "%s: this adds %s: " NO_LOOSENING,
                             policy_keyword(line->kind), looser->name);
    return 0;
}

int apply_list(struct policy *policy, const struct list_line *line, bool may_loosen,
               struct policy_error *error)
{
    struct policy_list *list = &policy->lists[line->kind], made CLEANUP(list_clear) = {0};
    if (!list->is_set && (line->action == LIST_ADD || line->action == LIST_FIRST))
        return policy_refuse(
            error, &line->origin,
            "%s: there is no list yet that \"%c\" could change: expected a list without a prefix, or "
            "Inherit before it",
            policy_keyword(line->kind), (char)line->action);
    int result = list_copy(list, &made);
    if (result == 0)
        result = list_apply(&made, line, error);
    if (result == 0)
        result = check_change(policy, line, &made, may_loosen, error);
    if (result == 0)
        result = history_add(policy->history, line);
    if (result != 0)
        return result;
    struct policy_list before = *list;
    *list = made;
    made = before;
    return 0;
}

int apply_rule(struct policy *policy, enum policy_rule rule, const char *const *arguments, size_t count,
               struct policy_origin origin, bool may_loosen, struct policy_error *error)
{
    struct policy_rules made = policy->rules;
    char before[160], place[POLICY_ORIGIN_MAX];
    if (!rule_parse(rule, arguments, count, &made))
        return policy_refuse(error, &origin, "%s: expected %s, got \"%s\"%s", policy_rule_keyword(rule),
                             rule_expected(rule), count != 0 ? arguments[0] : "",
                             count > 1 ? " and more" : "");
    if (!may_loosen && rule_is_looser(rule, &policy->rules, &made)) {
        rule_text(rule, &policy->rules, before, sizeof before);
        return policy_refuse(error, &origin, "%s: this is looser than \"%s\" of %s: " NO_LOOSENING,
                             policy_rule_keyword(rule), before,
                             policy_origin_text(policy->rules.origins[rule], place));
    }
    made.origins[rule] = origin;
    policy->rules = made;
    return 0;
}

int policy_amend(struct policy *policy, enum policy_kind kind, const char *names, const char *file,
                 unsigned line, struct policy_error *error)
{
    struct list_line made = {.kind = kind, .names = sp_text(names), .origin = {.file = file, .line = line}};
    made.action = apply_take_prefix(&made.names);
    int result = apply_check_names(policy, kind, made.action, made.names, made.origin, error);
    if (result == 0)
        result = history_file(policy->history, file, &made.origin.file);
    return result != 0 ? result : apply_list(policy, &made, true, error);
}

/* The number counts even if there is no memory for the name of its file. */
void policy_amend_rsa_size(struct policy *policy, uint32_t bits, const char *file, unsigned line)
{
    struct policy_rules *rules = &policy->rules;
    struct policy_origin origin = {.line = line};
    if (bits <= rules->rsa_bits_min)
        return;
    if (history_file(policy->history, file, &origin.file) != 0)
        origin = (struct policy_origin){0};
    rules->rsa_bits_min = bits;
    rules->origins[POLICY_RSA_SIZE] = origin;
}
