/*
 * Key derivation and the change of keys. Input: K and H of an exchange. Output: opened ciphers and MACs, and compression
 * that begins with them; nothing of the key material stays behind in this file's memory. RFC 4253 sections 6.2, 7.2
 * and 7.3.
 */
#include "worker/newkeys.h"

#include <assert.h>
#include <errno.h>

/* K1 = HASH(K || H || X || session_id), K2 = HASH(K || H || K1), K3 = HASH(K || H || K1 || K2), ... */
int newkeys_derive(const struct newkeys_source *source, char letter, uint8_t *key, size_t size)
{
    const struct sp_digest_ops *digest = source->digest;
    uint8_t all[NEWKEYS_MAX + SP_DIGEST_MAX];
    int r = size > NEWKEYS_MAX ? -EINVAL : 0;
    for (size_t have = 0; r == 0 && have < size; have += digest->size) {
        const struct sp_span first[] = {source->k, source->h, sp_span_of(&letter, 1), source->session_id};
        const struct sp_span later[] = {source->k, source->h, sp_span_of(all, have)};
        r = have == 0 ? digest->hash(first, ARRAY_SIZE(first), all)
                      : digest->hash(later, ARRAY_SIZE(later), all + have);
    }
    if (r == 0)
        memcpy(key, all, size);
    else
        explicit_bzero(key, size_min(size, NEWKEYS_MAX));
    explicit_bzero(all, sizeof all);
    return r;
}

static int cipher_open(const struct newkeys_source *source, const struct sp_cipher_ops *cipher, bool encrypt,
                       const char letters[3], struct packet_keys *keys)
{
    uint8_t iv[SP_CIPHER_IV_MAX], key[SP_CIPHER_KEY_MAX];
    if (cipher->iv_size > sizeof iv || cipher->key_size > sizeof key)
        return -EINVAL;
    int r = newkeys_derive(source, letters[0], iv, cipher->iv_size);
    if (r == 0)
        r = newkeys_derive(source, letters[1], key, cipher->key_size);
    if (r == 0)
        r = cipher->open(encrypt, sp_span_of(key, cipher->key_size), sp_span_of(iv, cipher->iv_size),
                         &keys->cipher_state);
    if (r == 0)
        keys->cipher = cipher;
    explicit_bzero(iv, sizeof iv);
    explicit_bzero(key, sizeof key);
    return r;
}

static int mac_open(const struct newkeys_source *source, const struct sp_mac_ops *mac, char letter,
                    struct packet_keys *keys)
{
    uint8_t key[SP_MAC_KEY_MAX];
    if (mac->key_size > sizeof key || mac->tag_size > SP_MAC_TAG_MAX)
        return -EINVAL;
    int r = newkeys_derive(source, letter, key, mac->key_size);
    if (r == 0)
        r = mac->open(sp_span_of(key, mac->key_size), &keys->mac_state);
    if (r == 0)
        keys->mac = mac;
    explicit_bzero(key, sizeof key);
    return r;
}

int newkeys_open(const struct newkeys_source *source, const struct kex_direction *direction, bool encrypt,
                 const char letters[3], struct packet_keys *keys)
{
    struct packet_keys opened = {0};
    int r = cipher_open(source, direction->cipher, encrypt, letters, &opened);
    if (r == 0 && direction->mac)
        r = mac_open(source, direction->mac, letters[2], &opened);
    opened.compression = direction->compression;
    if (r == 0 && direction->compresses)
        r = newkeys_compress(&opened, encrypt);
    if (r) {
        newkeys_close(&opened);
        return r > 0 ? -EINVAL : r;
    }
    newkeys_close(keys);
    *keys = opened;
    return 0;
}

int newkeys_compress(struct packet_keys *keys, bool compress)
{
    assert(!keys->compression_state);
    return keys->compression ? keys->compression->open(compress, &keys->compression_state) : 0;
}

void newkeys_close(struct packet_keys *keys)
{
    if (keys->cipher)
        keys->cipher->close(keys->cipher_state);
    if (keys->mac)
        keys->mac->close(keys->mac_state);
    if (keys->compression_state)
        keys->compression->close(keys->compression_state);
    *keys = (struct packet_keys){0};
}

void newkeys_use(struct packet_direction *direction, struct packet_keys *keys, bool strict)
{
    assert(keys->cipher);
    newkeys_close(&direction->keys);
    direction->keys = *keys;
    *keys = (struct packet_keys){0};
    direction->packets = 0;
    direction->octets = 0;
    if (strict)
        direction->sequence = 0;
}
