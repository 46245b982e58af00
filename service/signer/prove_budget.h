/*
 * How much of the token's time proofs of host keys may have: each key once per connection, remembered for as long as the
 * connection lives, and over all a bucket of PROVE_BURST signatures that refills at PROVE_PER_S. Pure but for memory; the
 * clock is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define PROVE_BURST 128u
#define PROVE_PER_S 64u
#define PROVE_CONNECTIONS_MAX 65536u /* remembered at a time */

struct prove_budget;

enum {
    PROVE_E_AGAIN = 1, /* one of the keys was taken for that connection before */
    PROVE_E_FULL = 2,  /* too many connections are remembered */
};

int prove_budget_new(struct prove_budget **budget) MUST_USE;
void prove_budget_free(struct prove_budget *budget);

/* Takes keys, a bit each, for a connection: all of them or none. 0, PROVE_E_AGAIN, PROVE_E_FULL or -ENOMEM. */
int prove_budget_take(struct prove_budget *budget, uint64_t connection, uint64_t keys) MUST_USE;
/* The connection is gone. */
void prove_budget_forget(struct prove_budget *budget, uint64_t connection);
/* All connections are. */
void prove_budget_clear(struct prove_budget *budget);
size_t prove_budget_count(const struct prove_budget *budget);

/* Whether one more signature may be made now, which is then counted. */
bool prove_budget_spend(struct prove_budget *budget, uint64_t now_ms);
