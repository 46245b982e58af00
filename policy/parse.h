/* The lines of one policy file, applied to a policy. */
#pragma once

#include "policy/policy.h"
#include "policy/source.h"

/* What a file says of itself, besides lists and rules. */
struct parse_facts {
    uint64_t serial; /* 0: none */
    int64_t expires; /* 0: never */
    unsigned expires_line;
    char *description; /* NULL: none; free() */
};

/*
 * file: of the policy's history. header: what source_scan() made of the same text. Lists and rules change *policy, which
 * is of no use on failure. 0, POLICY_E_INVALID or -ENOMEM.
 */
int parse_file(struct policy *policy, const char *file, struct sp_span text,
               const struct source_header *header, struct parse_facts *facts,
               struct policy_error *error) MUST_USE;
/*
 * The same for a file that a distribution generates for sshd: known keywords only, any algorithm that may be named. What
 * this server has no use for is left out.
 */
int parse_generated(struct policy *policy, const char *file, struct sp_span text,
                    struct policy_error *error) MUST_USE;
