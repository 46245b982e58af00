/* What is known of an algorithm's name, whatever a build has: for reading policies and for explaining them. */
#pragma once

#include "policy/policy.h"

enum catalog_class {
    CATALOG_UNKNOWN, /* nobody has heard of it */
    CATALOG_OURS,    /* in the registry: builds of this server have it, or may */
    CATALOG_FOREIGN, /* other servers have it */
    CATALOG_BROKEN,  /* some had it; nobody should */
};

/* *reason: why this server does not have a foreign or broken name, to follow "because"; else NULL. NULL: not asked. */
enum catalog_class catalog_class(enum policy_kind kind, struct sp_span name, const char **reason);
/* Whether a pattern behind "-" can mean anything: it matches a name of ours or of the other classes. */
bool catalog_matches(enum policy_kind kind, struct sp_span pattern);
/* The name that was perhaps meant, or NULL. */
const char *catalog_hint(enum policy_kind kind, struct sp_span name);
