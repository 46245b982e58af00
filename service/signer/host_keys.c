/* Host keys as others see them. Input: a generation's keys, which have proved themselves. Output: choices and words. */
#include "signer/host_keys.h"

#include <stdio.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "signer/algorithm.h"

#define KEYS_SIZE_MAX 65536u
#define TEXT_MAX 512u

static bool key_is_announced(const struct generation *g, size_t n)
{
    const struct proven_key *key = &g->keys[n].proven;
    struct sp_span keys = g->offers->offer.keys;
    struct offer_key offered;
    while (key->algorithm_count != 0 && offer_next_key(&keys, &offered))
        if (sp_span_equal(offered.blob, key->blob))
            return true;
    return false;
}

bool host_keys_find(const struct generation *g, struct sp_span blob, size_t *key)
{
    for (size_t i = 0; i < g->plan.key_count; i++)
        if (sp_span_equal(g->keys[i].proven.blob, blob) && key_is_announced(g, i)) {
            *key = i;
            return true;
        }
    return false;
}

/* The third of negotiated's texts: client version, kex, host key algorithm. A certificate's stands for the one inside. */
static const struct sp_keytype_ops *negotiated_keytype(struct sp_span negotiated)
{
    struct sp_in in = sp_in_of(negotiated);
    sp_get_string(&in, in.left);
    sp_get_string(&in, in.left);
    const struct sp_keytype_ops *keytype = keytype_find(sp_get_text(&in, 128));
    return keytype && keytype->plain ? keytype->plain : keytype;
}

const struct sp_keytype_ops *host_key_algorithm(const struct proven_key *key, struct sp_span negotiated)
{
    const struct sp_keytype_ops *wanted = negotiated_keytype(negotiated), *best = NULL;
    for (size_t i = 0; i < key->algorithm_count; i++) {
        const struct sp_keytype_ops *keytype = key->algorithms[i];
        if (keytype == wanted)
            return keytype;
        if (!best || strcmp(keytype->head.name, "rsa-sha2-512") == 0)
            best = keytype;
    }
    return best;
}

/* By some policy that the configuration can choose. */
static bool key_is_allowed(const struct generation *g, const struct proven_key *proven)
{
    const struct variant_key key = {.key = *proven};
    struct config_error why;
    for (size_t i = 0; i < g->variant_count; i++)
        if (variant_check_key(&g->variants[i], &key, &why) == 0)
            return true;
    return false;
}

size_t host_keys_stage(const struct generation *g, struct proven_key *keys, size_t count, size_t limit)
{
    for (size_t i = 0; i < g->plan.key_count && count < limit; i++) {
        const struct proven_key *key = &g->keys[i].proven;
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || sp_span_equal(keys[k].blob, key->blob);
        if (!known && g->plan.keys[i].staged && key->algorithm_count != 0 && key_is_allowed(g, key))
            keys[count++] = (struct proven_key){.blob = key->blob, .valid_before = UINT64_MAX};
    }
    return count;
}

void host_key_fingerprint(struct sp_span blob, char text[HOST_KEY_FINGERPRINT_MAX])
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    struct sp_out out = {.data = (uint8_t *)text, .capacity = HOST_KEY_FINGERPRINT_MAX - 1};
    text[0] = 0;
    if (!sha256 || sha256->hash(&blob, 1, digest))
        return;
    sp_put_raw(&out, sp_text("SHA256:"));
    if (base64_encode_bare(sp_span_of(digest, sha256->size), &out) == 0)
        text[out.size] = 0;
}

static void text_put(struct sp_out *out, const char *text)
{
    sp_put_string(out, sp_span_of(text, strnlen(text, TEXT_MAX)));
}

static void key_put(const struct generation *g, size_t n, struct sp_out *out)
{
    const struct plan_key *planned = &g->plan.keys[n];
    const struct proven_key *key = &g->keys[n].proven;
    char fingerprint[HOST_KEY_FINGERPRINT_MAX], algorithms[TEXT_MAX] = "";
    for (size_t i = 0; i < key->algorithm_count; i++)
        if (list_append(algorithms, sizeof algorithms, key->algorithms[i]->head.name))
            break;
    fingerprint[0] = 0;
    if (key->blob.size != 0)
        host_key_fingerprint(key->blob, fingerprint);
    sp_put_u8(out, planned->staged ? 1 : 0);
    text_put(out, fingerprint);
    text_put(out, algorithms);
    text_put(out, token_name(g->tokens[planned->first_token]));
    sp_put_u32(out, (uint32_t)g->plan.replicas);
    text_put(out, planned->written);
    text_put(out, g->plan.tokens[planned->first_token].uris[planned->index]);
}

void host_keys_tell(const struct generation *g)
{
    CLEANUP_FREE uint8_t *bytes = malloc(KEYS_SIZE_MAX);
    struct sp_out keys = {.data = bytes, .capacity = bytes ? KEYS_SIZE_MAX : 0};
    for (size_t i = 0; i < g->plan.key_count; i++)
        key_put(g, i, &keys);
    if (sp_put_end(&keys))
        return; /* nobody can be told, and nothing else depends on it */
    signer_told(g->signer,
                link_send(&g->signer->monitor, host_keys, .generation = g->id, .keys = sp_written(&keys)));
}
