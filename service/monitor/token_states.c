/*
 * What the signer says of its tokens. Input: token_states messages. Output: a bounded table. The signer writes no text in
 * it that a client chose, but modules have a say in it: whoever shows it escapes it.
 */
#include "monitor/token_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

static int tokens_read(struct sp_span bytes, struct token_states *states)
{
    struct sp_in in = sp_in_of(bytes);
    while (in.left != 0) {
        if (states->count == TOKEN_STATES_MAX || token_state_get(&in, &states->tokens[states->count]))
            return TOKEN_STATES_E_MALFORMED;
        states->count++;
    }
    return 0;
}

int token_states_take(struct token_states *states, const struct msg_token_states *message, uint64_t now_ms)
{
    CLEANUP_FREE uint8_t *bytes = malloc(message->tokens.size + 1);
    CLEANUP_FREE struct token_states *read = calloc(1, sizeof *read);
    if (!bytes || !read)
        return -ENOMEM;
    if (message->tokens.size != 0)
        memcpy(bytes, message->tokens.data, message->tokens.size);
    *read = (struct token_states){
        .known = true,
        .queue = {.waiting = message->waiting,
                  .refused_full = message->refused_full,
                  .refused_late = message->refused_late},
        .received_ms = now_ms,
        .omitted = message->omitted,
    };
    int r = tokens_read(sp_span_of(bytes, message->tokens.size), read);
    if (r)
        return r;
    read->bytes = TAKE(bytes);
    free(states->bytes);
    *states = *read;
    return 0;
}

void token_states_forget(struct token_states *states)
{
    free(states->bytes);
    *states = (struct token_states){0};
}

uint64_t token_state_age_s(const struct token_states *states, const struct token_state *token,
                           uint64_t now_ms)
{
    uint64_t since_ms = now_ms > states->received_ms ? now_ms - states->received_ms : 0;
    return token->age_ms / 1000 + (token->age_ms % 1000 + since_ms) / 1000;
}

enum token_key_ability token_states_key(const struct token_states *states, struct sp_span fingerprint,
                                        struct sp_span uri)
{
    enum token_key_ability ability = TOKEN_KEY_UNKNOWN;
    for (size_t i = 0; i < states->count; i++) {
        struct sp_span keys = states->tokens[i].keys;
        struct token_state_key key;
        while (token_state_next_key(&keys, &key)) {
            bool same = fingerprint.size != 0 ? sp_span_equal(key.fingerprint, fingerprint)
                                              : sp_span_equal(key.uri, uri);
            if (same && key.can_sign)
                return TOKEN_KEY_CAN;
            if (same)
                ability = TOKEN_KEY_CANNOT;
        }
    }
    return ability;
}
