/*
 * Lists without a policy, until everything resolves a policy: resolves configured lists against what this build has and what the tokens can sign.
 * Input: NAMES values as written in the configuration, and the lists of what exists. Output: ordered lists that are
 * used as they stand, or an error that names what was missing on which side; never an empty list.
 */
#pragma once

#include "policy/policy.h"

/* This server's default list for a kind. */
const char *policy_default(enum policy_kind kind);

/*
 * configured: "" for the default, a list, or a list behind + (append), - (remove, wildcards allowed) or ^ (put first).
 * available: comma-separated names that this build has at run time and, for host keys, that a token can sign; what is
 * not available is left out silently unless the configuration named it in a list without a prefix and nothing remains.
 * A name that this build has never heard of (not in known) is an error: known is the registry's whole list.
 * On success *resolved is filled with a NUL-terminated list.
 */
int lists_resolve_one(enum policy_kind kind, const char *configured, const char *available, const char *known,
                      char resolved[POLICY_LIST_MAX], char *error, size_t error_size) MUST_USE;
