/* A policy as JSON: what `show`, its page of HTML, `diff` and `running` are made of. */
#pragma once

#include "ctl/clients.h"
#include "ctl/found.h"
#include "ctl/subject.h"

/* "policy", "description", "digest", "sources", "lists" (every name that some line lists, with its verdict), "rules". */
void describe_policy(const struct subject *s, json_t *into);
/* "clients": what each known one would agree on. 0 or CTL_FAILED. */
int describe_clients(const struct ctl_options *o, const struct subject *s, json_t *into) MUST_USE;
/* Only what is enforced: "digest", "lists" (keyword -> names), "exceptions", "rules" (keyword -> value). */
void describe_effective(const struct policy_effective *effective, const char *digest, json_t *into);
void describe_origin(json_t *into, struct policy_origin origin);
/* A rule, in words for people: "RSA keys have at least 3072 bits". */
void describe_rule(enum policy_rule rule, const char *value, char *text, size_t size);
/* "post-quantum", "classical", "legacy" or "broken". */
const char *describe_class(enum policy_kind kind, struct sp_span name);
