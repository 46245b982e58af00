/*
 * A generation: one configuration in force. It is wanted by `configure`, waits for its tokens, has every key prove itself,
 * and serves connections until it is forgotten.
 */
#pragma once

#include "signer/host_certificate.h"
#include "signer/plan.h"
#include "signer/signer.h"
#include "signer/token.h"
#include "signer/variant.h"

#define GENERATION_CERTIFICATES_MAX 32u /* HostCertificate lines */

enum generation_state {
    GENERATION_TOKENS,  /* waiting for its tokens to be ready */
    GENERATION_PROVING, /* waiting for the keys' proofs */
    GENERATION_READY,
    GENERATION_FAILED, /* answered; to be freed */
};

struct generation_key {
    uint8_t *blob; /* a copy of what its token announced */
    size_t blob_size;
    struct proven_key proven; /* what it has proved it can do, on every one of its tokens */
    size_t failures;          /* proofs that failed */
    char why[512];            /* of the last */
};

struct generation_certificate {
    struct host_certificate read;
    size_t key; /* whose */
};

struct generation {
    struct generation *next;
    struct signer *signer;
    uint64_t id;
    enum generation_state state;
    uint64_t deadline_ms;
    struct config *config;                        /* as it is for everybody */
    struct config_source *source;                 /* to be evaluated for a connection */
    struct variant variants[CONFIG_POLICIES_MAX]; /* the first is everybody's */
    size_t variant_count;
    struct variant reported; /* PolicyMode report: what it would refuse is said; policy NULL: nothing is */
    struct plan plan;
    struct token *tokens[PLAN_TOKENS_MAX];
    struct generation_key keys[PLAN_KEYS_MAX];
    struct generation_certificate certificates[GENERATION_CERTIFICATES_MAX];
    size_t certificate_count;
    size_t proofs_open;
    struct serials *accepted; /* of signed policies; NULL: none need a signature */
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
/*
 * An exchange is about to be signed under it. The first one of a connection has its policies come into force, if they need
 * signatures: nothing older is accepted any more. 0, or POLICY_TRUST_E_REFUSED with *why: something newer is in force, and
 * nobody begins under this one; those that are connected go on.
 */
int generation_serve(struct generation *g, bool first, char *why, size_t why_size) MUST_USE;
/* The policy of a connection, by its addresses as the monitor knows them, and its lists. 0 or -errno. */
int generation_variant(const struct generation *g, const struct config_who *who,
                       const struct variant **variant, struct msg_variant *offered) MUST_USE;
void generation_forget(struct signer *s, uint64_t id);
void generations_free(struct signer *s);

/* The token of a request's key that answers soonest, or NULL if all are stopped; a proof of our own stays where it is. Sets
 * request->key where the same public key is named more than once. */
struct token *generation_place(struct request *request);
/* The position of the request's key within its token. */
size_t generation_key_index(const struct request *request);
struct sp_span generation_key_blob(const struct request *request);
void generation_proved(struct request *request, const char *failure);
