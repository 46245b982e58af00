/* How policy's own files refuse: the words in struct policy_error, POLICY_E_INVALID as the result. */
#pragma once

#include "policy/policy.h"

/* A place in a file, or no place if origin is NULL: "FILE line N: ...". Returns POLICY_E_INVALID. */
int policy_refuse(struct policy_error *error, const struct policy_origin *origin, const char *format, ...)
    PRINTF_LIKE(3, 4);
