/* The offer of a generation. Input: resolved policies, what the tokens proved. Output: its bytes. */
#include "signer/offer.h"

#include <assert.h>
#include <errno.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "signer/algorithm.h"

#define OFFER_SIZE_MAX 65536u
#define PART_SIZE_MAX 49152u

static_assert((int)OFFER_KEX == POLICY_KEX && (int)OFFER_HOST_KEY == POLICY_HOST_KEY &&
                  (int)OFFER_CIPHER == POLICY_CIPHER && (int)OFFER_MAC == POLICY_MAC &&
                  (int)OFFER_COMPRESSION == POLICY_COMPRESSION && (int)OFFER_USER_KEY == POLICY_USER_KEY,
              "the kinds of lists have one numbering");
static_assert(OFFER_LIST_MAX == POLICY_LIST_MAX && OFFER_POLICY_MAX == POLICY_SPEC_MAX,
              "limits are the same");

bool offer_wants_host_key(const struct policy_effective *effective, const struct sp_keytype_ops *keytype)
{
    if (sp_list_has(sp_text(effective->lists[POLICY_HOST_KEY]), sp_text(keytype->head.name)))
        return true;
    for (size_t i = 0; i < effective->exception_count; i++)
        if (effective->exceptions[i].kind == POLICY_HOST_KEY &&
            strcmp(effective->exceptions[i].name, keytype->head.name) == 0)
            return true;
    return false;
}

static void exception_put(const struct policy_exception *from, struct sp_out *out)
{
    struct offer_exception exception = {
        .kind = (enum offer_kind)from->kind,
        .name = sp_text(from->name),
        .not_after = from->not_after,
        .origin = sp_text(from->origin),
    };
    static_assert(sizeof exception.addresses == sizeof from->addresses, "patterns fit");
    memcpy(exception.addresses, from->addresses, sizeof exception.addresses);
    offer_put_exception(&exception, out);
}

int offer_variant_make(const char *policy, const char *digest, const struct policy_effective *effective,
                       struct sp_out *exceptions, struct msg_variant *variant)
{
    const struct policy_rules *rules = &effective->rules;
    for (size_t i = 0; i < effective->exception_count; i++)
        if (effective->exceptions[i].kind <
            (enum policy_kind)OFFER_KINDS) /* who signs certificates is no offer */
            exception_put(&effective->exceptions[i], exceptions);
    *variant = (struct msg_variant){
        .policy = sp_text(policy),
        .digest = sp_text(digest),
        .kex = sp_text(effective->lists[POLICY_KEX]),
        .host_key_algorithms = sp_text(effective->lists[POLICY_HOST_KEY]),
        .ciphers = sp_text(effective->lists[POLICY_CIPHER]),
        .macs = sp_text(effective->lists[POLICY_MAC]),
        .compression = sp_text(effective->lists[POLICY_COMPRESSION]),
        .user_key_algorithms = sp_text(effective->lists[POLICY_USER_KEY]),
        .exceptions = sp_written(exceptions),
        .strict_kex = rules->strict_kex,
        .constant_cipher = rules->constant_cipher,
        .fips_provider = rules->fips_provider,
        .rekey_octets = rules->rekey_octets,
        .rekey_s = rules->rekey_s,
        .dh_bits_min = rules->dh_bits_min,
    };
    return sp_put_end(exceptions) ? -EMSGSIZE : 0;
}

static int key_put(const struct proven_key *key, struct sp_out *keys)
{
    char names[512] = "";
    for (size_t i = 0; i < key->algorithm_count; i++) {
        int r = list_append(names, sizeof names, key->algorithms[i]->head.name);
        if (r)
            return r;
    }
    offer_put_key(&(struct offer_key){.algorithms = sp_text(names),
                                      .blob = key->blob,
                                      .valid_after = key->valid_after,
                                      .valid_before = key->valid_before},
                  keys);
    return sp_put_end(keys) ? -EMSGSIZE : 0;
}

static int variant_put(const struct msg_variant *variant, struct sp_out *variants)
{
    CLEANUP_FREE uint8_t *bytes = malloc(PART_SIZE_MAX);
    struct sp_out out = {.data = bytes, .capacity = PART_SIZE_MAX};
    if (!bytes)
        return -ENOMEM;
    if (message_encode(message_find(MSG_variant), variant, &out))
        return -EMSGSIZE;
    sp_put_string(variants, sp_written(&out));
    return sp_put_end(variants) ? -EMSGSIZE : 0;
}

int offer_encode(const struct msg_variant *variants, size_t variant_count, const struct proven_key *keys,
                 size_t key_count, uint8_t **data, size_t *size)
{
    CLEANUP_FREE uint8_t *key_bytes = malloc(PART_SIZE_MAX);
    CLEANUP_FREE uint8_t *variant_bytes = malloc(PART_SIZE_MAX);
    CLEANUP_FREE uint8_t *bytes = malloc(OFFER_SIZE_MAX);
    if (!key_bytes || !variant_bytes || !bytes)
        return -ENOMEM;
    struct sp_out packed = {.data = key_bytes, .capacity = PART_SIZE_MAX};
    struct sp_out encoded = {.data = variant_bytes, .capacity = PART_SIZE_MAX};
    struct sp_out out = {.data = bytes, .capacity = OFFER_SIZE_MAX};
    int r = 0;
    for (size_t i = 0; r == 0 && i < variant_count; i++)
        r = variant_put(&variants[i], &encoded);
    for (size_t i = 0; r == 0 && i < key_count; i++)
        r = key_put(&keys[i], &packed);
    if (r)
        return r;
    const struct msg_offer offer = {.variants = sp_written(&encoded), .keys = sp_written(&packed)};
    if (message_encode(message_find(MSG_offer), &offer, &out))
        return -EMSGSIZE;
    *data = TAKE(bytes);
    *size = out.size;
    return 0;
}
