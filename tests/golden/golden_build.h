/* A build of this server on a distribution, with a token, as policy_resolve() wants to know it. */
#pragma once

#include "distributions.h"
#include "policy/policy.h"

struct golden_build {
    struct policy_build build; /* points into the rest */
    char known[POLICY_KINDS][POLICY_LIST_MAX];
    char available[POLICY_KINDS][POLICY_LIST_MAX];
    char post_quantum[POLICY_LIST_MAX];
};

/* Aborts if a list is too long, which the registry's would have to be. */
void golden_build_init(struct golden_build *golden, const struct distribution *distribution,
                       const struct token *token);
