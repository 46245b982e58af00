/* Items of `token_states`. Input and output: octets, in the encoding of RFC 4251. */
#include "ipc/token_state.h"

#include <sallyport/wire.h>

const uint64_t token_latency_limits_us[TOKEN_LATENCY_LIMITS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
};

size_t token_latency_bucket(uint64_t latency_us)
{
    size_t bucket = 0;
    while (bucket < TOKEN_LATENCY_LIMITS && latency_us > token_latency_limits_us[bucket])
        bucket++;
    return bucket;
}

const char *token_condition_name(enum token_condition condition)
{
    static const char *const names[TOKEN_CONDITIONS] = {
        [TOKEN_IS_STARTING] = "starting",       [TOKEN_IS_READY] = "ready",
        [TOKEN_IS_ABSENT] = "absent",           [TOKEN_IS_LOST] = "lost",
        [TOKEN_IS_PIN_REFUSED] = "pin_refused", [TOKEN_IS_WRONG] = "wrong",
    };
    return condition < TOKEN_CONDITIONS ? names[condition] : "unknown";
}

/* Texts are for people: one that is too long loses its end. */
static void text_put(struct sp_out *out, struct sp_span text, size_t limit)
{
    sp_put_string(out, sp_span_of(text.data, text.size < limit ? text.size : limit));
}

void token_state_put_key(const struct token_state_key *key, struct sp_out *keys)
{
    text_put(keys, key->uri, TOKEN_STATE_TEXT_MAX);
    text_put(keys, key->fingerprint, TOKEN_STATE_FINGERPRINT_MAX);
    sp_put_bool(keys, key->can_sign);
}

void token_state_put(const struct token_state *state, struct sp_out *out)
{
    text_put(out, state->name, TOKEN_STATE_TEXT_MAX);
    text_put(out, state->module, TOKEN_STATE_TEXT_MAX);
    sp_put_u32(out, state->replica);
    sp_put_u8(out, (uint8_t)state->condition);
    text_put(out, state->why, TOKEN_STATE_TEXT_MAX);
    sp_put_u64(out, state->age_ms);
    sp_put_u32(out, state->waiting);
    sp_put_u64(out, state->starts);
    sp_put_u64(out, state->signatures);
    sp_put_u64(out, state->failures);
    sp_put_u64(out, state->latency_us);
    for (size_t i = 0; i < TOKEN_LATENCY_BUCKETS; i++)
        sp_put_u64(out, state->latencies[i]);
    sp_put_string(out, state->keys);
}

static bool keys_are_sane(struct sp_span keys)
{
    struct token_state_key key;
    size_t count = 0;
    while (token_state_next_key(&keys, &key))
        count++;
    return keys.size == 0 && count <= TOKEN_STATE_KEYS_MAX;
}

/* A condition has the words that belong to it, and no other number is one. */
static bool condition_get(struct sp_in *in, enum token_condition *condition)
{
    uint8_t number = sp_get_u8(in);
    *condition = (enum token_condition)number;
    return !in->bad && number < TOKEN_CONDITIONS;
}

int token_state_get(struct sp_in *in, struct token_state *state)
{
    struct token_state read = {.name = sp_get_text(in, TOKEN_STATE_TEXT_MAX)};
    read.module = sp_get_text(in, TOKEN_STATE_TEXT_MAX);
    read.replica = sp_get_u32(in);
    if (!condition_get(in, &read.condition))
        return TOKEN_STATE_E_MALFORMED;
    read.why = sp_get_text(in, TOKEN_STATE_TEXT_MAX);
    read.age_ms = sp_get_u64(in);
    read.waiting = sp_get_u32(in);
    read.starts = sp_get_u64(in);
    read.signatures = sp_get_u64(in);
    read.failures = sp_get_u64(in);
    read.latency_us = sp_get_u64(in);
    for (size_t i = 0; i < TOKEN_LATENCY_BUCKETS; i++)
        read.latencies[i] = sp_get_u64(in);
    read.keys = sp_get_string(in, TOKEN_STATES_SIZE_MAX);
    if (in->bad || !keys_are_sane(read.keys))
        return TOKEN_STATE_E_MALFORMED;
    *state = read;
    return 0;
}

bool token_state_next_key(struct sp_span *keys, struct token_state_key *key)
{
    struct sp_in in = sp_in_of(*keys);
    struct token_state_key read = {.uri = sp_get_text(&in, TOKEN_STATE_TEXT_MAX)};
    read.fingerprint = sp_get_text(&in, TOKEN_STATE_FINGERPRINT_MAX);
    uint8_t can_sign = sp_get_u8(&in);
    if (in.bad || can_sign > 1)
        return false;
    read.can_sign = can_sign == 1;
    *key = read;
    *keys = sp_span_of(in.at, in.left);
    return true;
}
