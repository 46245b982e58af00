/* Snapshots of what the shipped policies come to. The parts of the program, which golden.c puts together. */
#pragma once

#include <stdio.h>

#include "golden_build.h"

/* The time at which snapshots are taken, 2027-01-01, and one at which the shipped exceptions are over, 2028-01-01. */
#define GOLDEN_NOW INT64_C(1798761600)
#define GOLDEN_LATER INT64_C(1830297600)

/* Prints why and exits with 1. */
NORETURN void golden_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/* What is in effect for a specification. Loading must succeed; error->text says why resolving did not. */
bool golden_resolve(const struct policy_files *files, const char *spec,
                    const struct distribution *distribution, const struct token *token, int64_t now,
                    struct policy_effective *effective, struct policy_error *error);

/* Lists with a name on each line, exceptions, rules. */
void effective_print(const struct policy_effective *effective, FILE *out);
/* What is different in `after`, a line per list or rule that changed. Returns their number. */
unsigned effective_print_changes(const struct policy_effective *before, const struct policy_effective *after,
                                 FILE *out);

/* ---- clients --------------------------------------------------------------------------------------------------- */

struct golden_client;

/* A NAME.client file; one that is not in the form of policy/clients/README ends the program. */
struct golden_client *client_read(const char *name, struct sp_span text);
void client_free(struct golden_client *client);
/* What it and a server negotiate, or the list or rule that they do not share (RFC 4253 section 7.1). */
void client_print_negotiation(const struct golden_client *client, const struct policy_effective *server,
                              FILE *out);
