/* The states of all tokens. Input: the signer's tables. Output: token_states. */
#include "signer/states.h"

#include <sallyport/wire.h>

#include "ipc/token_state.h"
#include "signer/generation.h"
#include "signer/host_keys.h"

#define STATES_EVERY_MS 1000u
#define KEYS_SIZE_MAX 32768u
/* The monitor has something better to read first: past this it is told later. */
#define STATES_QUEUED_MAX (LINK_QUEUE_MAX / 16)

void states_changed(struct signer *s)
{
    s->states.changed = true;
}

void states_moved(struct signer *s)
{
    s->states.moved = true;
}

static void keys_put(const struct token *t, struct sp_out *keys)
{
    for (size_t i = 0; i < t->spec.uri_count; i++) {
        const struct token_blob *blob = &t->blobs[i];
        char fingerprint[HOST_KEY_FINGERPRINT_MAX] = "";
        if (blob->data)
            host_key_fingerprint(sp_span_of(blob->data, blob->size), fingerprint);
        token_state_put_key(
            &(struct token_state_key){
                .uri = sp_text(t->spec.uris[i]),
                .fingerprint = sp_text(fingerprint),
                .can_sign = t->state == TOKEN_READY && generations_use_key(t->signer, t, i),
            },
            keys);
    }
}

/* False: there is no room for it. */
static bool token_put(const struct token *t, struct sp_out *keys, struct sp_out *out)
{
    size_t before = out->size;
    uint64_t now = clock_ms();
    keys->size = 0;
    keys_put(t, keys);
    struct token_state state = {
        .name = sp_text(token_name(t)),
        .module = sp_text(t->spec.module),
        .replica = t->spec.replica,
        .condition = t->condition,
        .why = sp_text(t->why),
        .age_ms = now > t->since_ms ? now - t->since_ms : 0,
        .waiting = (uint32_t)(t->waiting.count + t->in_flight.count),
        .starts = t->starts,
        .signatures = t->signatures,
        .failures = t->failures,
        .latency_us = t->latency_us,
        .keys = sp_written(keys),
    };
    memcpy(state.latencies, t->latencies, sizeof state.latencies);
    token_state_put(&state, out);
    if (!keys->full && !out->full)
        return true;
    keys->full = out->full = false;
    out->size = before;
    return false;
}

static void states_tell(struct signer *s)
{
    CLEANUP_FREE uint8_t *bytes = malloc(TOKEN_STATES_SIZE_MAX);
    CLEANUP_FREE uint8_t *key_bytes = malloc(KEYS_SIZE_MAX);
    struct sp_out out = {.data = bytes, .capacity = TOKEN_STATES_SIZE_MAX};
    struct sp_out keys = {.data = key_bytes, .capacity = KEYS_SIZE_MAX};
    uint32_t omitted = 0;
    size_t waiting = s->delayed.count;
    if (!bytes || !key_bytes)
        return; /* nobody can be told now */
    for (size_t i = 0; i < SPAWNER_SLOTS; i++) {
        const struct token *t = s->tokens[i];
        if (!t)
            continue;
        waiting += t->waiting.count + t->in_flight.count;
        omitted += token_put(t, &keys, &out) ? 0 : 1;
    }
    signer_told(s, link_send(&s->monitor, token_states, .waiting = (uint32_t)waiting,
                             .refused_full = s->states.refused_full, .refused_late = s->states.refused_late,
                             .omitted = omitted, .tokens = sp_written(&out)));
}

uint64_t states_due_ms(const struct signer *s, uint64_t now_ms)
{
    if (!link_is_open(&s->monitor) || (!s->states.changed && !s->states.moved))
        return UINT64_MAX;
    return s->states.changed ? now_ms : s->states.sent_ms + STATES_EVERY_MS;
}

void states_pump(struct signer *s)
{
    uint64_t now = clock_ms();
    if (states_due_ms(s, now) > now || s->monitor.queued_octets > STATES_QUEUED_MAX)
        return;
    s->states.changed = s->states.moved = false;
    s->states.sent_ms = now;
    states_tell(s);
}
