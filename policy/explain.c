/*
 * Why a name is in or out: one sentence with the lines that made it so. Input: a policy with its history, a build, a
 * time, a name. Output: the reason, its origin, and words for whoever has to change something. It goes by the same
 * functions as resolving, in the order in which they decide.
 */
#include <stdarg.h>
#include <stdio.h>

#include "policy/build.h"
#include "policy/catalog.h"
#include "policy/date.h"
#include "policy/error.h"
#include "policy/history.h"
#include "policy/list.h"

#define NAME_ARGS(span_) (int)size_min((span_).size, POLICY_NAME_MAX), (const char *)(span_).data

struct question {
    const struct policy *policy;
    const struct policy_build *build;
    int64_t now;
    enum policy_kind kind;
    struct sp_span name;
    struct policy_verdict *verdict;
};

const char *policy_reason_word(enum policy_reason reason)
{
    static const char *const words[] = {
        [POLICY_IN] = "in",
        [POLICY_IN_EXCEPTION] = "exception",
        [POLICY_REMOVED] = "removed",
        [POLICY_NEVER_NAMED] = "never-named",
        [POLICY_BY_RULE] = "rule",
        [POLICY_EXPIRED] = "expired",
        [POLICY_NOT_AVAILABLE] = "not-available",
        [POLICY_NOT_IN_BUILD] = "not-in-build",
        [POLICY_UNKNOWN] = "unknown",
    };
    return words[reason];
}

PRINTF_LIKE(4, 5)
static void answer(const struct question *q, enum policy_reason reason, const struct policy_origin *origin,
                   const char *format, ...)
{
    struct policy_verdict *verdict = q->verdict;
    va_list args;
    verdict->reason = reason;
    verdict->origin = origin ? *origin : (struct policy_origin){0};
    va_start(args, format);
    (void)vsnprintf(verdict->text, sizeof verdict->text, format, args);
    va_end(args);
}

/* "DEFAULT.policy line 12 lists it", for names that would be in but for something else. */
static void listed_note(const struct question *q, char text[POLICY_ORIGIN_MAX + 32])
{
    const struct policy_list *list = &q->policy->lists[q->kind];
    size_t at = list_find(list, q->name, 0);
    char place[POLICY_ORIGIN_MAX];
    if (at < list->count)
        snprintf(text, POLICY_ORIGIN_MAX + 32, " (%s lists it)",
                 policy_origin_text(list->entries[at].origin, place));
    else
        snprintf(text, POLICY_ORIGIN_MAX + 32, " (and policy %.64s does not list it)", q->policy->spec);
}

static void answer_not_in_build(const struct question *q)
{
    const char *reason, *hint;
    char note[POLICY_ORIGIN_MAX + 32];
    enum catalog_class class = catalog_class(q->kind, q->name, &reason);
    listed_note(q, note);
    if (class == CATALOG_UNKNOWN) {
        hint = catalog_hint(q->kind, q->name);
        answer(q, POLICY_UNKNOWN, NULL, "%.*s is unknown: nobody has %s of that name%s%s%s",
               NAME_ARGS(q->name), policy_keyword(q->kind), hint ? ", perhaps \"" : "", hint ? hint : "",
               hint ? "\" is meant" : "");
    } else if (class == CATALOG_OURS) {
        answer(q, POLICY_NOT_IN_BUILD, NULL, "%.*s is out: this program was built without it%s",
               NAME_ARGS(q->name), note);
    } else {
        answer(q, POLICY_NOT_IN_BUILD, NULL, "%.*s is out: this server does not have it, as %s%s",
               NAME_ARGS(q->name), reason, note);
    }
}

static void answer_in(const struct question *q, const struct policy_entry *entry)
{
    char place[POLICY_ORIGIN_MAX], date[DATE_TEXT_MAX] = "";
    policy_origin_text(entry->origin, place);
    if (!list_entry_is_exception(entry)) {
        answer(q, POLICY_IN, &entry->origin, "%.*s is in: allowed by %s", NAME_ARGS(q->name), place);
        return;
    }
    if (entry->not_after != 0)
        date_text(entry->not_after, date);
    answer(q, POLICY_IN_EXCEPTION, &entry->origin, "%.*s is in as an exception%s%s%s%s: allowed by %s",
           NAME_ARGS(q->name), entry->not_after != 0 ? " until " : "", date, entry->addresses ? " for " : "",
           entry->addresses ? entry->addresses : "", place);
}

/* The policy lists it; whether that counts is the build's and the rules' matter. */
static void answer_listed(const struct question *q, const struct policy_entry *entry)
{
    enum policy_rule rule = POLICY_RULES;
    char place[POLICY_ORIGIN_MAX], rule_place[POLICY_ORIGIN_MAX];
    enum build_state state = BUILD_HAS;
    policy_origin_text(entry->origin, place);
    if (build_cares(q->build, q->kind))
        state = build_state(q->build, q->policy, q->kind, q->name, &rule);
    switch (state) {
    case BUILD_NOT_IN:
        answer_not_in_build(q);
        break;
    case BUILD_NOT_HERE:
        answer(q, POLICY_NOT_AVAILABLE, &entry->origin, "%.*s is out: allowed by %s, but %s",
               NAME_ARGS(q->name), place,
               q->kind == POLICY_HOST_KEY ? "no host key here can sign with it"
                                          : "this machine's libraries lack it");
        break;
    case BUILD_BY_RULE:
        q->verdict->rule = rule;
        answer(q, POLICY_BY_RULE, &q->policy->rules.origins[rule],
               "%.*s is out: %s in %s takes it out (allowed by %s)", NAME_ARGS(q->name),
               policy_rule_keyword(rule), policy_origin_text(q->policy->rules.origins[rule], rule_place),
               place);
        break;
    case BUILD_HAS:
        answer_in(q, entry);
        break;
    }
}

static void answer_expired(const struct question *q, const struct policy_entry *entry)
{
    char place[POLICY_ORIGIN_MAX], date[DATE_TEXT_MAX];
    answer(q, POLICY_EXPIRED, &entry->origin, "%.*s is out: the exception in %s ended at %s",
           NAME_ARGS(q->name), policy_origin_text(entry->origin, place), date_text(entry->not_after, date));
}

static void answer_unlisted(const struct question *q)
{
    struct history_fate fate = history_follow(q->policy->history, q->kind, q->name);
    char place[POLICY_ORIGIN_MAX], before[POLICY_ORIGIN_MAX], line[HISTORY_TEXT_MAX];
    if (fate.removed) {
        answer(q, POLICY_REMOVED, &fate.removed->origin,
               "%.*s is out: removed by \"%s\" in %.180s (allowed before by %.120s)", NAME_ARGS(q->name),
               history_text(fate.removed, line), policy_origin_text(fate.removed->origin, place),
               policy_origin_text(fate.allowed->origin, before));
    } else if (fate.set) {
        answer(q, POLICY_NEVER_NAMED, &fate.set->origin,
               "%.*s is out: no line of policy %.100s lists it; %s are set in %s", NAME_ARGS(q->name),
               q->policy->spec, policy_keyword(q->kind), policy_origin_text(fate.set->origin, place));
    } else {
        answer(q, POLICY_NEVER_NAMED, NULL, "%.*s is out: policy %.100s has no list of %s",
               NAME_ARGS(q->name), q->policy->spec, policy_keyword(q->kind));
    }
}

/* The entry that counts: for good, else an exception that is not over. *over: one that is. */
static const struct policy_entry *entry_that_counts(const struct question *q,
                                                    const struct policy_entry **over)
{
    const struct policy_list *list = &q->policy->lists[q->kind];
    for (size_t at = list_find(list, q->name, 0); at < list->count; at = list_find(list, q->name, at + 1)) {
        if (!build_is_over(&list->entries[at], q->now))
            return &list->entries[at];
        *over = &list->entries[at];
    }
    return NULL;
}

/* Whether a build of this server can have it: by the caller's list, or by the registry if the caller has none. */
static bool can_be_in_build(const struct question *q)
{
    enum policy_rule rule;
    if (!build_cares(q->build, q->kind))
        return build_is_loaded(q->policy, q->kind, q->name) ||
               catalog_class(q->kind, q->name, NULL) == CATALOG_OURS;
    return build_state(q->build, q->policy, q->kind, q->name, &rule) != BUILD_NOT_IN;
}

void policy_explain(const struct policy *policy, const struct policy_build *build, int64_t now,
                    enum policy_kind kind, struct sp_span name, struct policy_verdict *verdict)
{
    const struct question q = {
        .policy = policy, .build = build, .now = now, .kind = kind, .name = name, .verdict = verdict};
    const struct policy_entry *over = NULL, *entry = entry_that_counts(&q, &over);
    *verdict = (struct policy_verdict){.rule = POLICY_RULES};
    if (!can_be_in_build(&q))
        answer_not_in_build(&q);
    else if (entry)
        answer_listed(&q, entry);
    else if (over)
        answer_expired(&q, over);
    else
        answer_unlisted(&q);
}
