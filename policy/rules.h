/* The rules of a policy: their keywords, values and what is stricter. */
#pragma once

#include <stdio.h>

#include "policy/policy.h"

#define RULE_RSA_FLOOR 2048u /* smaller keys are refused by any build */

/* The rule of a keyword, in any case; POLICY_RULES: it is none. */
enum policy_rule rule_find(const char *keyword);
/* Takes a rule's arguments. False: nothing has changed, and rule_expected() says what is. */
bool rule_parse(enum policy_rule rule, const char *const *arguments, size_t count,
                struct policy_rules *rules);
const char *rule_expected(enum policy_rule rule);
/* Whether the rule is set to anything but "no such rule". */
bool rule_is_set(enum policy_rule rule, const struct policy_rules *rules);
/* The arguments, which rule_parse() reads to the same effect. */
void rule_print(enum policy_rule rule, const struct policy_rules *rules, FILE *out);
/* The same into a caller's room, cut to it, for errors. */
void rule_text(enum policy_rule rule, const struct policy_rules *rules, char *text, size_t size);
/* Whether inner allows anything by this rule that outer does not. */
bool rule_is_looser(enum policy_rule rule, const struct policy_rules *outer,
                    const struct policy_rules *inner);
