/* The DEFAULT that is in the program: policy/profiles/DEFAULT.policy, embedded when it is built (embed.py). */
#pragma once

#include "policy/policy.h"

extern const struct policy_file builtin_default;
