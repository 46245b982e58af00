/* Lines applied to a policy, wherever they come from. */
#pragma once

#include "policy/list.h"
#include "policy/rules.h"

/* Whether the names of a line are ones that this policy may have behind this prefix; origin: the line. */
int apply_check_names(const struct policy *policy, enum policy_kind kind, enum list_action action,
                      struct sp_span names, struct policy_origin origin, struct policy_error *error) MUST_USE;
/* "+a,b" apart. */
enum list_action apply_take_prefix(struct sp_span *names);
/* may_loosen false: a line that lets more in than before is POLICY_E_INVALID. The policy is untouched on failure. The
 * line's origin has to name a file of the policy's history. */
int apply_list(struct policy *policy, const struct list_line *line, bool may_loosen,
               struct policy_error *error) MUST_USE;
int apply_rule(struct policy *policy, enum policy_rule rule, const char *const *arguments, size_t count,
               struct policy_origin origin, bool may_loosen, struct policy_error *error) MUST_USE;
