/*
 * Tokens as the signer sees them, for who asks: what an item of `token_states` is. The signer writes it, the monitor takes
 * it apart; nothing is decided by it.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define TOKEN_STATES_MAX 64u     /* token processes: the signer has no more */
#define TOKEN_STATE_KEYS_MAX 32u /* of one token: a configuration has no more */
#define TOKEN_STATE_TEXT_MAX 512u
#define TOKEN_STATE_FINGERPRINT_MAX 79u
#define TOKEN_STATES_SIZE_MAX 65536u /* octets of all items, as in messages.def */

/* Signatures by the time that the token took for them: upper limits in microseconds, each inclusive; what took longer than
 * the last is counted behind it. */
#define TOKEN_LATENCY_LIMITS 15u
#define TOKEN_LATENCY_BUCKETS (TOKEN_LATENCY_LIMITS + 1u)
extern const uint64_t token_latency_limits_us[TOKEN_LATENCY_LIMITS];
size_t token_latency_bucket(uint64_t latency_us);

enum token_condition {
    TOKEN_IS_STARTING,    /* its process was never ready yet, and nothing is known to be the matter */
    TOKEN_IS_READY,       /* it signs */
    TOKEN_IS_ABSENT,      /* it, or a key on it, is not there; it is looked for again and again */
    TOKEN_IS_LOST,        /* its process ended or did not answer; it is started again and again */
    TOKEN_IS_PIN_REFUSED, /* its PIN is wrong and is not sent again: somebody has to do something */
    TOKEN_IS_WRONG,       /* it cannot be used as it is configured: somebody has to do something */
    TOKEN_CONDITIONS,
};
/* "starting", "ready", "absent", "lost", "pin_refused", "wrong". */
const char *token_condition_name(enum token_condition condition);

/* One token process. Texts and keys are whoever's the octets are. */
struct token_state {
    struct sp_span name; /* its token attributes, or what its module calls it; never a PIN */
    struct sp_span module;
    uint32_t replica; /* of TokenThreads: 0 is the first process on the token */
    enum token_condition condition;
    struct sp_span why; /* what went wrong last; empty if it is ready */
    uint64_t age_ms;    /* of the condition, when the message was made */
    uint32_t waiting;   /* requests that wait for it or are with it */
    uint64_t starts;    /* of its process */
    uint64_t signatures;
    uint64_t failures;   /* requests that it failed, signatures that were no good */
    uint64_t latency_us; /* of all signatures together */
    uint64_t latencies[TOKEN_LATENCY_BUCKETS];
    struct sp_span keys; /* of token_state_next_key() */
};

struct token_state_key {
    struct sp_span uri;         /* without query: no PIN */
    struct sp_span fingerprint; /* "SHA256:..."; empty: it was not seen yet */
    bool can_sign;              /* now: it is there and has proved itself, and its token is ready */
};

enum {
    TOKEN_STATE_E_MALFORMED = 1, /* no item of our signer's */
};

void token_state_put_key(const struct token_state_key *key, struct sp_out *keys);
void token_state_put(const struct token_state *state, struct sp_out *out);

/* Takes an item, and all of its keys are known to be well formed then. 0 or TOKEN_STATE_E_MALFORMED. */
struct sp_in;
int token_state_get(struct sp_in *in, struct token_state *state) SP_MUST_USE;
/* Takes a key off the front of a list. False at the end, and for what is malformed. */
bool token_state_next_key(struct sp_span *keys, struct token_state_key *key);
