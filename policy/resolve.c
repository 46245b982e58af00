/*
 * What is enforced: a policy on a build, at a time. Input: struct policy, the names that this build and this machine
 * have. Output: lists that are used as they stand, exceptions, rules; or, where nothing would be left, both sides of why.
 */
#include <errno.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "policy/build.h"
#include "policy/error.h"
#include "policy/history.h"
#include "policy/names.h"

struct resolution {
    const struct policy *policy;
    const struct policy_build *build;
    int64_t now;
    struct policy_effective *made;
    struct policy_error *error;
};

/* Cuts a list at a comma so that it fits into an error. */
static void shorten(struct sp_span list, char *text, size_t size)
{
    size_t kept = list.size;
    if (kept >= size)
        for (kept = size - 5; kept > 0 && list.data[kept] != ',';)
            kept--;
    snprintf(text, size, "%.*s%s", (int)kept, (const char *)list.data, kept < list.size ? ",..." : "");
}

#define SIDE_MAX 320u

/* Everything that the policy lists for good. */
static void wanted_text(const struct policy_list *list, char text[SIDE_MAX])
{
    uint8_t room[POLICY_LIST_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].not_after == 0 && !list->entries[i].addresses)
            policy_list_add(&out, sp_text(list->entries[i].name));
    shorten(sp_written(&out), text, SIDE_MAX);
}

/* Which rule took something out of the list, for the reader to see; "": none did. */
static void rule_note(const struct resolution *r, enum policy_kind kind, char *text, size_t size)
{
    char place[POLICY_ORIGIN_MAX];
    enum policy_rule rule = POLICY_RULES;
    const struct policy_list *list = &r->policy->lists[kind];
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        if (build_state(r->build, r->policy, kind, sp_text(list->entries[i].name), &rule) == BUILD_BY_RULE)
            snprintf(text, size, ", and %s (%s) leaves none of it", policy_rule_keyword(rule),
                     policy_origin_text(r->policy->rules.origins[rule], place));
}

static const struct history_event *last_event(const struct policy *policy, enum policy_kind kind)
{
    const struct history_event *last = NULL;
    for (size_t i = 0; i < policy->history->count; i++)
        if (policy->history->events[i].kind == kind)
            last = &policy->history->events[i];
    return last;
}

static int refuse_empty(const struct resolution *r, enum policy_kind kind)
{
    const char *keyword = policy_keyword(kind), *spec = r->policy->spec,
               *available = r->build->available[kind];
    const struct history_event *last = last_event(r->policy, kind);
    char place[POLICY_ORIGIN_MAX], wanted[SIDE_MAX], here[SIDE_MAX], rule[POLICY_ORIGIN_MAX + 96];
    if (!r->policy->lists[kind].is_set || !last)
        return policy_refuse(r->error, NULL, "%s: policy %s has no such list, nor has what it inherits",
                             keyword, spec);
    policy_origin_text(last->origin, place);
    wanted_text(&r->policy->lists[kind], wanted);
    shorten(sp_text(available ? available : ""), here, sizeof here);
    rule_note(r, kind, rule, sizeof rule);
    if (wanted[0] == '\0')
        return policy_refuse(
            r->error, NULL,
            "%s: nothing is left of policy %s for everybody: its lines remove every algorithm, the "
            "last of them in %s",
            keyword, spec, place);
    return policy_refuse(r->error, NULL, "%s: nothing is left of policy %s (%s): it allows %s; %s %s%s",
                         keyword, spec, place, wanted, build_who(kind), here[0] != '\0' ? here : "none",
                         rule);
}

static int add_exception(struct resolution *r, enum policy_kind kind, const struct policy_entry *entry)
{
    struct policy_effective *made = r->made;
    if (made->exception_count == POLICY_EXCEPTIONS_MAX || strlen(entry->name) > POLICY_NAME_MAX)
        return policy_refuse(r->error, &entry->origin, "expected at most %u exceptions",
                             POLICY_EXCEPTIONS_MAX);
    struct policy_exception *exception = &made->exceptions[made->exception_count++];
    exception->kind = kind;
    exception->not_after = entry->not_after;
    snprintf(exception->name, sizeof exception->name, "%s", entry->name);
    snprintf(exception->addresses, sizeof exception->addresses, "%s",
             entry->addresses ? entry->addresses : "");
    policy_origin_text(entry->origin, exception->origin);
    return 0;
}

static int resolve_entry(struct resolution *r, enum policy_kind kind, const struct policy_entry *entry,
                         struct sp_out *list)
{
    enum policy_rule rule;
    if (build_state(r->build, r->policy, kind, sp_text(entry->name), &rule) != BUILD_HAS)
        return 0;
    if (entry->not_after == 0 && !entry->addresses) {
        policy_list_add(list, sp_text(entry->name));
        return 0;
    }
    return build_is_over(entry, r->now) ? 0 : add_exception(r, kind, entry);
}

static int resolve_list(struct resolution *r, enum policy_kind kind)
{
    const struct policy_list *list = &r->policy->lists[kind];
    char *text = r->made->lists[kind];
    struct sp_out out = {.data = (uint8_t *)text, .capacity = POLICY_LIST_MAX - 1};
    int result = 0;
    for (size_t i = 0; i < list->count && result == 0; i++)
        result = resolve_entry(r, kind, &list->entries[i], &out);
    if (result != 0)
        return result;
    if (out.full)
        return policy_refuse(r->error, NULL, "%s: the list of policy %s is longer than %u octets",
                             policy_keyword(kind), r->policy->spec, POLICY_LIST_MAX - 1);
    text[out.size] = '\0';
    return out.size != 0 ? 0 : refuse_empty(r, kind);
}

int policy_resolve(const struct policy *policy, const struct policy_build *build, int64_t now,
                   struct policy_effective *effective, struct policy_error *error)
{
    struct policy_effective *made CLEANUP_FREE = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    struct resolution r = {.policy = policy, .build = build, .now = now, .made = made, .error = error};
    int result = 0;
    if (policy->rules.fips_provider && !build->fips_provider)
        result =
            policy_refuse(error, &policy->rules.origins[POLICY_FIPS_PROVIDER],
                          "RequireFIPSProvider: libcrypto serves from other providers than an approved one");
    for (enum policy_kind kind = 0; kind < POLICY_KINDS && result == 0; kind++)
        if (build_cares(build, kind))
            result = resolve_list(&r, kind);
    if (result != 0)
        return result;
    made->rules = policy->rules;
    *effective = *made;
    return 0;
}
