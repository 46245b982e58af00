/*
 * A generation: one configuration in force. It is wanted by `configure`, waits for its tokens, has every key that is there
 * prove itself, and serves connections until it is forgotten. Keys of tokens that are away join it when they have been
 * found and have proved themselves.
 */
#pragma once

#include "signer/host_certificate.h"
#include "signer/plan.h"
#include "signer/signer.h"
#include "signer/token.h"
#include "signer/variant.h"

#define GENERATION_CERTIFICATES_MAX 32u /* HostCertificate lines */

enum generation_state {
    GENERATION_TOKENS,  /* waiting for its tokens: until each is ready, or has been given up for now */
    GENERATION_PROVING, /* waiting for the keys' proofs */
    GENERATION_READY,
    GENERATION_FAILED, /* answered; to be freed */
};

enum key_state {
    KEY_AWAITED, /* its token has not been ready since it was asked for */
    KEY_PROVING,
    KEY_PROVEN,
    KEY_WRONG, /* it was found, and cannot be used: only in a generation that others serve */
};

struct generation_key {
    enum key_state state;
    uint8_t *blob; /* a copy of what its token announced; NULL: it was not found yet */
    size_t blob_size;
    struct proven_key candidate; /* KEY_PROVING: what it has not failed to prove yet */
    struct proven_key proven;    /* KEY_PROVEN: what it can do, on every one of its tokens; else empty */
    size_t failures;             /* proofs that failed */
    bool lost;                   /* one of them because its token was lost on the way */
    char why[512];               /* of the last */
};

struct generation_certificate {
    struct host_certificate read;
    bool placed; /* its key has been found */
    size_t key;  /* whose */
};

/*
 * What was offered at some time: the newest is made from, and all of them are accepted, since a connection keeps the one that
 * it began with. A newer one has more host keys and is the same otherwise. There are no more of them than keys.
 */
struct generation_offer {
    struct generation_offer *older;
    uint8_t *bytes;
    size_t size;
    struct msg_offer offer; /* spans into bytes */
    /* By variant, and by position among the offer's keys. */
    bool key_is_forbidden[CONFIG_POLICIES_MAX][VARIANT_KEYS_MAX];
};

struct generation {
    struct generation *next;
    struct signer *signer;
    uint64_t id;
    enum generation_state state;
    bool reload;     /* another one is in force, and stays if this one is refused */
    bool is_unheard; /* the monitor that wanted it is gone: it serves as it is, and is never told of again */
    bool is_waiting; /* the monitor was told that nothing can be signed yet: for as long as that takes */
    uint64_t deadline_ms;
    struct config *config;                        /* as it is for everybody */
    struct config_source *source;                 /* to be evaluated for a connection */
    struct variant variants[CONFIG_POLICIES_MAX]; /* the first is everybody's */
    size_t variant_count;
    struct variant reported; /* PolicyMode report: what it would refuse is said; policy NULL: nothing is */
    struct plan plan;
    struct token *tokens[PLAN_TOKENS_MAX];
    bool was_away[PLAN_TOKENS_MAX]; /* before this generation asked for it */
    uint32_t tried; /* tokens that were ready when it was last found that they are not enough */
    struct generation_key keys[PLAN_KEYS_MAX];
    struct generation_certificate certificates[GENERATION_CERTIFICATES_MAX];
    size_t certificate_count;
    size_t proofs_open;
    struct serials *accepted;        /* of signed policies; NULL: none need a signature */
    struct generation_offer *offers; /* the newest first */
};

/*
 * Begins a generation from a sealed snapshot; its answer follows, at once if the snapshot is no good. reload: one is in force,
 * so that a token that is away now and was not before is taken for a mistake of the new one. 0 or -errno.
 */
int generation_begin(struct signer *s, uint64_t id, bool reload, int snapshot_fd) MUST_USE;
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
/* The policy of a connection, by its addresses as the monitor knows them: which of the variants. 0 or -errno. */
int generation_variant(const struct generation *g, const struct config_who *who, size_t *variant) MUST_USE;
void generation_forget(struct signer *s, uint64_t id);
/* The monitor is gone: what it was not told of is dropped, since its successor may mean another one by the same number. */
void generations_monitor_lost(struct signer *s);
void generations_free(struct signer *s);

/* generation_place.c: the token of a request's key that answers soonest, or NULL if all are stopped; a proof of our own
 * stays where it is. Sets request->key where the same public key is named more than once. */
struct token *generation_place(struct request *request);
/* The position of the request's key within its token. */
size_t generation_key_index(const struct request *request);
struct sp_span generation_key_blob(const struct request *request);
/* The (first) token process that has the key which it was asked for. */
const struct token *generation_token(const struct request *request);
/* generation_keys.c. A request to have a key prove itself, for token_submit(); *out is the caller's. 0 or -errno. */
int generation_proof(struct generation *g, size_t key, const struct sp_keytype_ops *keytype,
                     enum request_kind kind, uint64_t deadline_ms, struct request **out) MUST_USE;
/* failure: NULL if it is proved. */
void generation_proved(struct request *request, const char *failure);
/* Whether a key of a token has proved itself in some generation that serves, so that it signs while the token is ready. */
bool generations_use_key(const struct signer *s, const struct token *token, size_t index);
