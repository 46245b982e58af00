/* What a build makes of a name that a policy lists. */
#pragma once

#include "policy/policy.h"

enum build_state {
    BUILD_HAS,      /* and it works here */
    BUILD_NOT_IN,   /* the registry does not have it */
    BUILD_NOT_HERE, /* libcrypto's version or the token does not have it */
    BUILD_BY_RULE,  /* *rule takes it out */
};

/* Whether a module has added the name, or any that a pattern matches: every build has those. */
bool build_is_loaded(const struct policy *policy, enum policy_kind kind, struct sp_span name);
bool build_any_loaded_matches(const struct policy *policy, enum policy_kind kind, struct sp_span pattern);
/* Whether the caller cares for lists of this kind. */
bool build_cares(const struct policy_build *build, enum policy_kind kind);
enum build_state build_state(const struct policy_build *build, const struct policy *policy,
                             enum policy_kind kind, struct sp_span name, enum policy_rule *rule);
/* Whether an exception is over. now 0: never. */
bool build_is_over(const struct policy_entry *entry, int64_t now);
/* "this machine has", "the host keys can sign with". */
const char *build_who(enum policy_kind kind);
