/*
 * What a generation offers. Input: the keys that are proven, its policies. Output: policies as they are with these keys, the
 * offer's bytes, and what is said of them.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "ipc/codec.h"
#include "signer/algorithm.h"
#include "signer/generation_parts.h"
#include "signer/host_keys.h"

#define EXCEPTIONS_SIZE_MAX 24576u /* octets of a variant's, as in messages.def */

/* ---- policies ---------------------------------------------------------------------------------------------------- */

/* What a key can do, or is about to prove that it can; NULL: it is not there. */
static const struct proven_key *key_ability(const struct generation_key *key)
{
    if (key->state == KEY_PROVING)
        return &key->candidate;
    return key->state == KEY_PROVEN ? &key->proven : NULL;
}

static bool keys_have(const struct variant_key *keys, size_t count, struct sp_span blob)
{
    for (size_t k = 0; k < count; k++)
        if (sp_span_equal(keys[k].key.blob, blob))
            return true;
    return false;
}

/* In the newest offer; what joins it stands behind all that is there. */
static size_t offered_place(const struct generation *g, struct sp_span blob)
{
    struct sp_span keys = g->offers ? g->offers->offer.keys : (struct sp_span){.size = 0};
    struct offer_key offered;
    for (size_t place = 0; offer_next_key(&keys, &offered); place++)
        if (sp_span_equal(offered.blob, blob))
            return place;
    return SIZE_MAX;
}

/*
 * Of two keys for one algorithm the first signs, and an offer that differs by the second alone looks the same to whoever says
 * what it was sent: so it has to stay the first, or a key that joins would come into connections that began with another one,
 * whose clients take that for an attack. The order of the configuration is that of what is there when it is loaded.
 */
static void keys_settle(const struct generation *g, struct variant_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct variant_key key = keys[i];
        size_t place = offered_place(g, key.key.blob), to = i;
        for (; to != 0 && offered_place(g, keys[to - 1].key.blob) > place; to--)
            keys[to] = keys[to - 1];
        keys[to] = key;
    }
}

/* All that can be offered: the same public key on several tokens once; certificates behind the keys; nothing of a key that
 * is staged. */
static size_t offered_keys(const struct generation *g, struct variant_key keys[VARIANT_KEYS_MAX])
{
    static_assert(PLAN_KEYS_MAX + GENERATION_CERTIFICATES_MAX <= VARIANT_KEYS_MAX, "all have a place");
    size_t count = 0;
    for (size_t i = 0; i < g->plan.key_count; i++) {
        const struct proven_key *key = key_ability(&g->keys[i]);
        if (key && !keys_have(keys, count, key->blob) && !g->plan.keys[i].staged && key->algorithm_count != 0)
            keys[count++] = (struct variant_key){.key = *key, .written = key_written(g, i)};
    }
    size_t plain = count;
    keys_settle(g, keys, plain);
    for (size_t i = 0; i < g->certificate_count; i++) {
        const struct generation_certificate *certificate = &g->certificates[i];
        if (!certificate->placed || g->plan.keys[certificate->key].staged)
            continue;
        const struct proven_key *key = key_ability(&g->keys[certificate->key]);
        if (!key)
            continue;
        certificate_offer(certificate, key, &keys[count]);
        count += keys[count].key.algorithm_count != 0 ? 1 : 0;
    }
    keys_settle(g, keys + plain, count - plain);
    return count;
}

/* As a whole or not at all: connections are served by what there was. */
static int variant_renew(struct variant *variant, const struct variant_key *keys, size_t count, bool fips,
                         struct config_error *error)
{
    struct variant next = {.spec = variant->spec, .policy = variant->policy};
    int r = variant_resolve(&next, keys, count, fips, (int64_t)time(NULL), error);
    struct variant *unused = r ? &next : variant;
    free(unused->build);
    free(unused->effective);
    if (r == 0)
        *variant = next;
    return r;
}

int policies_resolve(struct generation *g, struct config_error *error)
{
    CLEANUP_FREE struct variant_key *keys = calloc(VARIANT_KEYS_MAX, sizeof *keys);
    bool fips = g->signer->fips;
    if (!keys)
        return -ENOMEM;
    size_t count = offered_keys(g, keys);
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->variant_count; i++)
        r = variant_renew(&g->variants[i], keys, count, fips, error);
    if (r == 0 && g->reported.policy)
        r = variant_renew(&g->reported, keys, count, fips, error);
    return r > 0 ? OFFER_E_NOTHING : r;
}

static bool any_variant_wants(const struct generation *g, const struct sp_keytype_ops *keytype)
{
    for (size_t i = 0; i < g->variant_count; i++)
        if (offer_wants_host_key(g->variants[i].effective, keytype))
            return true;
    return false;
}

/* Whether some policy may have this key sign with this algorithm, by itself or through a certificate of it. What a policy
 * would have of a staged one is seen when its time comes: it proves all that it can. */
bool algorithm_is_wanted(const struct generation *g, size_t key, const struct sp_keytype_ops *plain)
{
    const struct sp_keytype_ops *keytype;
    unsigned bits;
    if (g->plan.keys[key].staged || any_variant_wants(g, plain))
        return true;
    for (size_t i = 0; i < g->certificate_count; i++) {
        const struct generation_certificate *c = &g->certificates[i];
        struct sp_span blob = sp_span_of(c->read.blob, c->read.size);
        for (size_t n = 0; c->placed && c->key == key && (keytype = algorithm_of_key(blob, n, &bits)); n++)
            if (keytype->plain == plain && any_variant_wants(g, keytype))
                return true;
    }
    return false;
}

/* ---- what is said of them ---------------------------------------------------------------------------------------- */

/* Which of the keys a policy forbids: they are not offered under it. */
static void forbidden_log(const struct generation *g, const struct variant *variant)
{
    for (size_t i = 0; i < g->plan.key_count; i++) {
        struct variant_key key = {.key = g->keys[i].proven};
        struct config_error why;
        if (g->keys[i].state == KEY_PROVEN && variant_check_key(variant, &key, &why) > 0)
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_key_forbidden",
                    "%s %s is not offered under policy %s: %s", key_keyword(g, i), key_written(g, i),
                    variant->spec, why.text);
    }
    for (size_t i = 0; i < g->certificate_count; i++) {
        struct variant_key key;
        struct config_error why;
        if (!g->certificates[i].placed)
            continue;
        certificate_offer(&g->certificates[i], &g->keys[g->certificates[i].key].proven, &key);
        if (variant_check_key(variant, &key, &why) > 0)
            log_say(&g->signer->log, LOG_LEVEL_WARNING, "host_key_forbidden",
                    "HostCertificate %s is not offered under policy %s: %s", g->certificates[i].read.path,
                    variant->spec, why.text);
    }
}

static void policy_log(const struct generation *g, const struct variant *variant, const char *role)
{
    const struct policy_effective *e = variant->effective;
    const struct log_field fields[] = {
        {"policy", sp_text(variant->spec)},
        {"digest", sp_text(variant->digest)},
        {"role", sp_text(role)},
        {"kex", sp_text(e->lists[POLICY_KEX])},
        {"host_keys", sp_text(e->lists[POLICY_HOST_KEY])},
        {"ciphers", sp_text(e->lists[POLICY_CIPHER])},
        {"macs", sp_text(e->lists[POLICY_MAC])},
        {"compression", sp_text(e->lists[POLICY_COMPRESSION])},
        {"user_keys", sp_text(e->lists[POLICY_USER_KEY])},
    };
    log_event(&g->signer->log, LOG_LEVEL_INFO, "policy_loaded", fields, ARRAY_SIZE(fields),
              "policy %s is %s, digest %s, %zu exceptions", variant->spec, role, variant->digest,
              e->exception_count);
    forbidden_log(g, variant);
}

void policies_log(const struct generation *g)
{
    for (size_t i = 0; i < g->variant_count; i++)
        policy_log(g, &g->variants[i], i == 0 ? "in force" : "in force where a Match chooses it");
    if (g->reported.policy)
        policy_log(g, &g->reported, "only reported about");
}

/* ---- the offer --------------------------------------------------------------------------------------------------- */

/* What no policy allows is not announced to clients either: a weak key must not be one that they believe. */
static size_t forbidden_drop(struct generation *g, struct variant_key keys[VARIANT_KEYS_MAX], size_t count)
{
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        bool allowed = false;
        for (size_t i = 0; i < g->variant_count; i++)
            allowed = allowed || !g->variants[i].key_is_forbidden[k];
        if (!allowed)
            continue;
        for (size_t i = 0; i < g->variant_count; i++)
            g->variants[i].key_is_forbidden[kept] = g->variants[i].key_is_forbidden[k];
        g->reported.key_is_forbidden[kept] = g->reported.key_is_forbidden[k];
        keys[kept++] = keys[k];
    }
    return kept;
}

static int variants_make(struct generation *g, uint8_t *room, struct msg_variant *variants)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->variant_count; i++) {
        struct variant *v = &g->variants[i];
        struct sp_out exceptions = {.data = room + i * EXCEPTIONS_SIZE_MAX, .capacity = EXCEPTIONS_SIZE_MAX};
        r = offer_variant_make(v->spec, v->digest, v->effective, &exceptions, &variants[i]);
    }
    return r;
}

/* The octets of what is proven now. */
static int offer_fill(struct generation *g, struct generation_offer *offer)
{
    CLEANUP_FREE struct variant_key *keys = calloc(VARIANT_KEYS_MAX, sizeof *keys);
    CLEANUP_FREE struct proven_key *plain = calloc(VARIANT_KEYS_MAX, sizeof *plain);
    CLEANUP_FREE uint8_t *room = malloc(CONFIG_POLICIES_MAX * EXCEPTIONS_SIZE_MAX);
    struct msg_variant variants[CONFIG_POLICIES_MAX];
    if (!keys || !plain || !room)
        return -ENOMEM;
    size_t count = forbidden_drop(g, keys, offered_keys(g, keys));
    for (size_t i = 0; i < count; i++)
        plain[i] = keys[i].key;
    count = host_keys_stage(g, plain, count, VARIANT_KEYS_MAX);
    int r = variants_make(g, room, variants);
    if (r == 0)
        r = offer_encode(variants, g->variant_count, plain, count, &offer->bytes, &offer->size);
    if (r)
        return r;
    for (size_t i = 0; i < g->variant_count; i++)
        memcpy(offer->key_is_forbidden[i], g->variants[i].key_is_forbidden,
               sizeof offer->key_is_forbidden[i]);
    return message_decode(message_find(MSG_offer), sp_span_of(offer->bytes, offer->size), &offer->offer) ||
                   offer_check(&offer->offer)
               ? -EINVAL
               : 0;
}

static void offer_free(struct generation_offer *offer)
{
    free(offer->bytes);
    free(offer);
}

int offer_renew(struct generation *g, bool *changed)
{
    struct generation_offer *offer = calloc(1, sizeof *offer);
    if (!offer)
        return -ENOMEM;
    int r = offer_fill(g, offer);
    const struct generation_offer *last = g->offers;
    *changed = r == 0 && !(last && sp_span_equal(sp_span_of(offer->bytes, offer->size),
                                                 sp_span_of(last->bytes, last->size)));
    if (!*changed) {
        offer_free(offer);
        return r;
    }
    offer->older = g->offers;
    g->offers = offer;
    return 0;
}

void offers_free(struct generation *g)
{
    for (struct generation_offer *offer = g->offers, *older; offer; offer = older) {
        older = offer->older;
        offer_free(offer);
    }
    g->offers = NULL;
}

void offer_tell(struct generation *g)
{
    signer_told(g->signer,
                link_send(&g->signer->monitor, configured, .generation = g->id,
                          .policy = sp_text(g->variants[0].spec), .digest = sp_text(g->variants[0].digest),
                          .offer = sp_span_of(g->offers->bytes, g->offers->size)));
}
