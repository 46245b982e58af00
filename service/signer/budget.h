/*
 * How much of the token's time one connection may have: one request at a time, and a bucket of BUDGET_BURST requests that
 * refills at BUDGET_PER_S. Over it a request is delayed, not refused: a rekey that is asked for too often is slow, and
 * no other connection pays for it. Pure but for memory; the clock is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define BUDGET_BURST 256u
#define BUDGET_PER_S 32u

struct budget;
struct request;

enum {
    BUDGET_E_OUTSTANDING = 1, /* the connection has a request under way */
};

int budget_new(struct budget **budget) MUST_USE;
void budget_free(struct budget *budget);

/*
 * Takes one request's worth for a connection and notes the request as its outstanding one. *release_ms: not before this.
 * 0, BUDGET_E_OUTSTANDING or -ENOMEM.
 */
int budget_take(struct budget *budget, uint64_t connection, uint64_t now_ms, struct request *request,
                uint64_t *release_ms) MUST_USE;
/* The outstanding request of a connection, or NULL. */
struct request *budget_outstanding(const struct budget *budget, uint64_t connection);
/* It is answered. */
void budget_done(struct budget *budget, uint64_t connection);
/* The connection is gone. */
void budget_forget(struct budget *budget, uint64_t connection);

/* Connections remembered; one whose bucket is full again, with nothing outstanding, is soon forgotten by itself. */
size_t budget_count(const struct budget *budget);
