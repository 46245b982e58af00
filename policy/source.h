/* The text of a policy's file: lines, and what has to be known of it before they are applied. */
#pragma once

#include "policy/policy.h"

#define SOURCE_SYSTEM_FILE "/etc/crypto-policies/back-ends/opensshserver.config"
#define SOURCE_DEFAULT "DEFAULT"
#define SOURCE_SUFFIX ".policy"

struct source_header {
    char inherit[POLICY_SPEC_MAX]; /* "": nothing */
    unsigned inherit_line;
    bool is_sub;
    bool may_loosen, says_loosening; /* AllowLoosening yes; AllowLoosening at all */
};

/* The next line without its newline, and *text shortened by it. False at the end. */
bool source_next_line(struct sp_span *text, struct sp_span *line);
/* Malformed lines are passed over: whoever applies them complains. */
void source_scan(struct sp_span text, struct source_header *header);
/* Letters, digits, "-", "_" and ".", not in front; at most POLICY_NAME_MAX. */
bool source_is_name(struct sp_span name);
/* Where a name of a spec or of Inherit is found: "SYSTEM" is a path. */
const char *source_key(const char *name);
/* Whether a key stands for a file that a distribution generates for sshd. */
bool source_is_generated(const char *key);
/* Takes the part of "BASE:SUB:SUB" in front of the next ":" or the end, where it leaves *spec. It has to be a name or, as
 * the first one, SYSTEM or an absolute path. 0 or POLICY_E_INVALID. */
int source_next_part(const char **spec, bool is_first, char part[POLICY_SPEC_MAX],
                     struct policy_error *error) MUST_USE;
