/* Words about an exchange: why it was refused, and whether another policy would have refused it. Pure. */
#pragma once

#include "signer/transcript.h"
#include "signer/variant.h"

#define EXPLAIN_WHY_MAX 2048u
#define EXPLAIN_FIELDS_MAX 16384u

/*
 * A refusal for the log: *why is what the transcript's check said and, of a list without a common name, what keeps each
 * name of the client's out that this server knows. fields: pairs as in `event`. 0 or -EMSGSIZE (fields does not fit).
 */
int explain_refusal(const struct variant *variant, const struct transcript_refusal *refusal, int64_t now,
                    char why[EXPLAIN_WHY_MAX], struct sp_out *fields) MUST_USE;

/*
 * Whether another policy would have refused an exchange that this one allowed. True: *what names its list or rule, and
 * detail says more.
 */
bool explain_report(const struct variant *reported, const struct transcript_context *context,
                    const struct transcript_result *result, const char **what, char *detail,
                    size_t detail_size);
