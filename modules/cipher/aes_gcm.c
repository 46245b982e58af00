/*
 * aes128-gcm@openssh.com and aes256-gcm@openssh.com: packets come from the transport and go back to it, in
 * place. The four length octets are sent in the clear and authenticated. RFC 5647 section 7, as OpenSSH's
 * PROTOCOL amends it.
 */
#include <limits.h>

#include <sallyport/cipher.h>

#include "common/owned.h"

#define LENGTH_SIZE 4u
#define IV_SIZE 12u
#define IV_FIXED 4u
#define TAG_SIZE 16u
#define REKEY_OCTETS (UINT64_C(1) << 36) /* 2^32 blocks of 16, RFC 4344 section 3.2 */

struct gcm {
    EVP_CIPHER_CTX *context;
    uint8_t iv[IV_SIZE]; /* of the next packet: 4 octets fixed, then a counter that belongs to the key */
};

/* Fetched once; a fork inherits them. The worker has one thread. */
static EVP_CIPHER *aes128, *aes256;

static const EVP_CIPHER *gcm_fetched(EVP_CIPHER **cipher, const char *name)
{
    if (!*cipher)
        *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    return *cipher;
}

static void gcm_close(void *state)
{
    struct gcm *gcm = state;
    if (!gcm)
        return;
    EVP_CIPHER_CTX_free(gcm->context);
    OPENSSL_clear_free(gcm, sizeof *gcm);
}

static int gcm_open(const EVP_CIPHER *cipher, size_t key_size, bool encrypt, struct sp_span key,
                    struct sp_span iv, void **state)
{
    if (key.size != key_size || iv.size != IV_SIZE)
        return -EINVAL;
    struct gcm *gcm = OPENSSL_zalloc(sizeof *gcm);
    if (!gcm)
        return -ENOMEM;
    memcpy(gcm->iv, iv.data, IV_SIZE);
    gcm->context = EVP_CIPHER_CTX_new();
    if (!cipher || !gcm->context ||
        EVP_CipherInit_ex2(gcm->context, cipher, key.data, NULL, encrypt, NULL) != 1) {
        gcm_close(gcm);
        return crypto_failed();
    }
    *state = gcm;
    return 0;
}

static int aes128_gcm_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    return gcm_open(gcm_fetched(&aes128, "AES-128-GCM"), 16, encrypt, key, iv, state);
}

static int aes256_gcm_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    return gcm_open(gcm_fetched(&aes256, "AES-256-GCM"), 32, encrypt, key, iv, state);
}

/* RFC 5647 section 7.1. 2^64 invocations never happen: the packet counter asks for new keys after 2^31. */
static void gcm_step(struct gcm *gcm)
{
    for (size_t i = IV_SIZE; i-- > IV_FIXED;)
        if (++gcm->iv[i] != 0)
            return;
}

static int gcm_length(void *state, uint32_t sequence, const uint8_t head[4], uint32_t *packet_length)
{
    *packet_length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    return 0;
}

static bool gcm_fits(size_t size)
{
    return size > LENGTH_SIZE && size <= INT_MAX;
}

/*
 * The tag as a parameter of libcrypto's provider. Of the ways to say IV and tag to libcrypto this is the cheapest, by a
 * fifth of a small packet: each control call of the older interface is translated into one of these.
 */
static OSSL_PARAM tag_param(uint8_t *tag)
{
    return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, TAG_SIZE);
}

static int gcm_seal(void *state, uint32_t sequence, uint8_t *packet, size_t size)
{
    struct gcm *gcm = state;
    if (!gcm_fits(size))
        return -EINVAL;
    int written, body = (int)(size - LENGTH_SIZE);
    OSSL_PARAM tag[] = {tag_param(packet + size), OSSL_PARAM_construct_end()};
    if (EVP_EncryptInit_ex2(gcm->context, NULL, NULL, gcm->iv, NULL) == 1 &&
        EVP_EncryptUpdate(gcm->context, NULL, &written, packet, LENGTH_SIZE) == 1 &&
        EVP_EncryptUpdate(gcm->context, packet + LENGTH_SIZE, &written, packet + LENGTH_SIZE, body) == 1 &&
        EVP_EncryptFinal_ex(gcm->context, packet + size, &written) == 1 &&
        EVP_CIPHER_CTX_get_params(gcm->context, tag) == 1) {
        gcm_step(gcm);
        return 0;
    }
    OPENSSL_cleanse(packet, size + TAG_SIZE); /* what was not encrypted must not be sent by mistake */
    return crypto_failed();
}

static int gcm_unseal(void *state, uint32_t sequence, uint8_t *packet, size_t size)
{
    struct gcm *gcm = state;
    if (!gcm_fits(size))
        return SP_E_MALFORMED;
    int written, body = (int)(size - LENGTH_SIZE);
    OSSL_PARAM tag[] = {tag_param(packet + size), OSSL_PARAM_construct_end()};
    if (EVP_DecryptInit_ex2(gcm->context, NULL, NULL, gcm->iv, tag) != 1 ||
        EVP_DecryptUpdate(gcm->context, NULL, &written, packet, LENGTH_SIZE) != 1 ||
        EVP_DecryptUpdate(gcm->context, packet + LENGTH_SIZE, &written, packet + LENGTH_SIZE, body) != 1) {
        OPENSSL_cleanse(packet + LENGTH_SIZE, (size_t)body);
        return crypto_failed();
    }
    if (EVP_DecryptFinal_ex(gcm->context, packet + size, &written) != 1) {
        OPENSSL_cleanse(packet + LENGTH_SIZE, (size_t)body); /* libcrypto decrypts before it knows the tag */
        ERR_clear_error();
        return SP_E_REFUSED;
    }
    gcm_step(gcm);
    return 0;
}

#define GCM_CIPHER(symbol, name_, key_size_)                                                                 \
    const struct sp_cipher_ops cipher_##symbol = {                                                           \
        .head = SP_MODULE_HEAD(SP_KIND_CIPHER, struct sp_cipher_ops, name_),                                 \
        .key_size = (key_size_),                                                                             \
        .iv_size = IV_SIZE,                                                                                  \
        .block_size = 16,                                                                                    \
        .tag_size = TAG_SIZE,                                                                                \
        .rekey_octets = REKEY_OCTETS,                                                                        \
        .open = symbol##_open,                                                                               \
        .close = gcm_close,                                                                                  \
        .length = gcm_length,                                                                                \
        .seal = gcm_seal,                                                                                    \
        .unseal = gcm_unseal,                                                                                \
    }

GCM_CIPHER(aes128_gcm, "aes128-gcm@openssh.com", 16);
GCM_CIPHER(aes256_gcm, "aes256-gcm@openssh.com", 32);
