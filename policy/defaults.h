/* What policy.h's tables hold per kind, for resolve.c. */
#pragma once

#include "policy/lists.h"

/* Names that other SSH servers have, or had, and this one has not: the removal of one ("-ssh-rsa") is satisfied already,
 * and an error about one can say that it is not a spelling mistake. Wildcards cover families. */
const char *policy_elsewhere(enum policy_kind kind);
