/*
 * A generation: one configuration in force. It is wanted by `configure`, waits for its tokens, has every key prove itself,
 * and serves connections until it is forgotten.
 */
#pragma once

#include "signer/offer.h"
#include "signer/plan.h"
#include "signer/signer.h"
#include "signer/token.h"

enum generation_state {
    GENERATION_TOKENS,  /* waiting for its tokens to be ready */
    GENERATION_PROVING, /* waiting for the keys' proofs */
    GENERATION_READY,
    GENERATION_FAILED, /* answered; to be freed */
};

struct generation_key {
    uint8_t *blob; /* a copy of what its token announced */
    size_t blob_size;
    struct offer_key proven; /* what it has proved it can do, on every one of its tokens */
    size_t failures;         /* proofs that failed */
    char why[512];           /* of the last */
};

struct generation {
    struct generation *next;
    struct signer *signer;
    uint64_t id;
    enum generation_state state;
    uint64_t deadline_ms;
    struct config *config;
    struct plan plan;
    struct token *tokens[PLAN_TOKENS_MAX];
    struct generation_key keys[PLAN_KEYS_MAX];
    size_t proofs_open;
    uint8_t *offer_bytes;
    size_t offer_size;
    struct msg_offer offer; /* spans into offer_bytes */
};

/* Begins a generation from a sealed snapshot; its answer follows, at once if the snapshot is no good. 0 or -errno. */
int generation_begin(struct signer *s, uint64_t id, int snapshot_fd) MUST_USE;
/* Moves generations on after events of their tokens. */
void generations_settle(struct signer *s);
/* The one that serves, or NULL. */
struct generation *generation_find(struct signer *s, uint64_t id);
void generation_forget(struct signer *s, uint64_t id);
void generations_free(struct signer *s);

/* The token of a request's key that answers soonest, or NULL if all are stopped; a proof stays where it is. Sets
 * request->key where the same public key is named more than once. */
struct token *generation_place(struct request *request);
/* The position of the request's key within its token. */
size_t generation_key_index(const struct request *request);
struct sp_span generation_key_blob(const struct request *request);
void generation_proved(struct request *request, const char *failure);
