/*
 * The latest that the signer said of its tokens: for whoever asks (`keys`, `status`, metrics). Nothing is decided by it. A
 * signer that is lost is known nothing of until its successor has spoken.
 */
#pragma once

#include "ipc/messages.h"
#include "ipc/token_state.h"

/* Requests for signatures, over all tokens, since that signer began. */
struct token_queue {
    uint32_t waiting;      /* now, with those over their connection's budget */
    uint64_t refused_full; /* had no place: TokenQueue */
    uint64_t refused_late; /* waited longer than TokenTimeout */
};

struct token_states {
    bool known; /* false: no signer is there, or it has not spoken yet; the rest is zero */
    struct token_queue queue;
    uint64_t received_ms; /* clock_ms() */
    size_t count;
    struct token_state tokens[TOKEN_STATES_MAX]; /* spans into bytes */
    uint32_t omitted;                            /* tokens that had no place in the message */
    uint8_t *bytes;                              /* owned */
};

enum {
    TOKEN_STATES_E_MALFORMED = 1, /* *states is as it was */
};

/* Takes a message in place of the one before. 0, TOKEN_STATES_E_MALFORMED or -ENOMEM. */
int token_states_take(struct token_states *states, const struct msg_token_states *message,
                      uint64_t now_ms) MUST_USE;
void token_states_forget(struct token_states *states);

/* For how long a token has been as it is. */
uint64_t token_state_age_s(const struct token_states *states, const struct token_state *token,
                           uint64_t now_ms);

/* What is known of one host key, over all tokens that have it. */
enum token_key_ability {
    TOKEN_KEY_UNKNOWN, /* no token has said anything of it */
    TOKEN_KEY_CANNOT,
    TOKEN_KEY_CAN, /* some token would sign with it now */
};
/* By its fingerprint; a key that was never seen has none, and is looked for by its URI as its token has it. */
enum token_key_ability token_states_key(const struct token_states *states, struct sp_span fingerprint,
                                        struct sp_span uri);
