/*
 * A name against a build, its machine and the rules. Input: names of a policy, the lists of struct policy_build. Output:
 * the one state that resolving and explaining both go by.
 */
#include "policy/build.h"

#include <sallyport/wire.h>

#include "base/wildcard.h"

static struct sp_span list_of(const char *text)
{
    return text ? sp_text(text) : (struct sp_span){0};
}

bool build_cares(const struct policy_build *build, enum policy_kind kind)
{
    return build->known[kind] != NULL;
}

static bool is_certificate(struct sp_span name)
{
    static const char suffix[] = "-cert-v01@openssh.com";
    size_t size = sizeof suffix - 1;
    return name.size > size && memcmp(name.data + name.size - size, suffix, size) == 0;
}

bool build_is_loaded(const struct policy *policy, enum policy_kind kind, struct sp_span name)
{
    return sp_list_has(list_of(policy->loaded[kind]), name);
}

bool build_any_loaded_matches(const struct policy *policy, enum policy_kind kind, struct sp_span pattern)
{
    for (struct sp_span names = list_of(policy->loaded[kind]); names.size != 0;)
        if (wildcard_matches(sp_next_name(&names), pattern))
            return true;
    return false;
}

enum build_state build_state(const struct policy_build *build, const struct policy *policy,
                             enum policy_kind kind, struct sp_span name, enum policy_rule *rule)
{
    const struct policy_rules *rules = &policy->rules;
    if (build_is_loaded(policy, kind, name))
        return BUILD_HAS;
    if (!sp_list_has(list_of(build->known[kind]), name))
        return BUILD_NOT_IN;
    if (!sp_list_has(list_of(build->available[kind]), name))
        return BUILD_NOT_HERE;
    if (kind == POLICY_KEX && rules->post_quantum && !sp_list_has(list_of(build->post_quantum), name)) {
        *rule = POLICY_POST_QUANTUM;
        return BUILD_BY_RULE;
    }
    if (kind == POLICY_HOST_KEY && rules->host_certificates && !is_certificate(name)) {
        *rule = POLICY_HOST_CERTIFICATES;
        return BUILD_BY_RULE;
    }
    return BUILD_HAS;
}

bool build_is_over(const struct policy_entry *entry, int64_t now)
{
    return now != 0 && entry->not_after != 0 && now > entry->not_after;
}

const char *build_who(enum policy_kind kind)
{
    return kind == POLICY_HOST_KEY ? "the host keys can sign with" : "this machine has";
}
