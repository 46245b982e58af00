/* The offer of a generation. Input: configuration, this build, this machine, what the tokens proved. Output: its bytes. */
#include "signer/offer.h"

#include <errno.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "signer/algorithm.h"

#define OFFER_SIZE_MAX 65536u
#define KEYS_SIZE_MAX 32768u

int offer_resolve(const struct config *config, const char *available, struct offer_lists *lists, char *error,
                  size_t error_size)
{
    char kex[POLICY_LIST_MAX];
    const char *ciphers = algorithm_known_ciphers, *macs = algorithm_known_macs;
    const char *keytypes = algorithm_known_keytypes;
    int r = algorithm_available_kex(kex, sizeof kex);
    if (r)
        return r;
    const struct {
        enum policy_kind kind;
        const char *configured, *available, *known;
        char *resolved;
    } rows[] = {
        {POLICY_KEX, config->kex_algorithms, kex, algorithm_known_kex, lists->kex},
        {POLICY_HOST_KEY, config->host_key_algorithms, available, keytypes, lists->host_key},
        {POLICY_CIPHER, config->ciphers, ciphers, ciphers, lists->ciphers},
        {POLICY_MAC, config->macs, macs, macs, lists->macs},
        {POLICY_USER_KEY, config->pubkey_accepted_algorithms, keytypes, keytypes, lists->user_key},
    };
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
        r = lists_resolve_one(rows[i].kind, rows[i].configured, rows[i].available, rows[i].known,
                              rows[i].resolved, error, error_size);
    return r > 0 ? OFFER_E_INVALID : r;
}

bool offer_has_host_key(const struct offer_lists *lists, const struct sp_keytype_ops *keytype)
{
    return sp_list_has(sp_text(lists->host_key), sp_text(keytype->head.name));
}

static int key_put(const struct offer_lists *lists, const struct offer_key *key, struct sp_out *keys)
{
    char names[512] = "";
    for (size_t i = 0; i < key->algorithm_count; i++) {
        int r = offer_has_host_key(lists, key->algorithms[i])
                    ? list_append(names, sizeof names, key->algorithms[i]->head.name)
                    : 0;
        if (r)
            return r;
    }
    if (names[0] == 0)
        return 0;
    sp_put_text(keys, names);
    sp_put_string(keys, key->blob);
    return sp_put_end(keys) ? -EMSGSIZE : 0;
}

int offer_encode(const struct offer_lists *lists, const struct offer_key *keys, size_t key_count,
                 uint8_t **data, size_t *size)
{
    CLEANUP_FREE uint8_t *key_bytes = malloc(KEYS_SIZE_MAX);
    CLEANUP_FREE uint8_t *bytes = malloc(OFFER_SIZE_MAX);
    if (!key_bytes || !bytes)
        return -ENOMEM;
    struct sp_out packed = {.data = key_bytes, .capacity = KEYS_SIZE_MAX};
    struct sp_out out = {.data = bytes, .capacity = OFFER_SIZE_MAX};
    for (size_t i = 0; i < key_count; i++) {
        int r = key_put(lists, &keys[i], &packed);
        if (r)
            return r;
    }
    struct msg_offer offer = {.kex = sp_text(lists->kex),
                              .host_key_algorithms = sp_text(lists->host_key),
                              .ciphers = sp_text(lists->ciphers),
                              .macs = sp_text(lists->macs),
                              .compression = sp_text("none"),
                              .user_key_algorithms = sp_text(lists->user_key),
                              .keys = sp_written(&packed)};
    if (message_encode(message_find(MSG_offer), &offer, &out))
        return -EMSGSIZE;
    *data = TAKE(bytes);
    *size = out.size;
    return 0;
}
