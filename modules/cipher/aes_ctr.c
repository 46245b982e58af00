/*
 * aes128-ctr, aes192-ctr and aes256-ctr: the octets of packets come from the transport and go back to it, in
 * place, one unbroken stream per key. RFC 4344 section 4.
 */
#include <limits.h>

#include <sallyport/cipher.h>

#include "common/owned.h"

#define IV_SIZE 16u
#define REKEY_OCTETS (UINT64_C(1) << 36) /* 2^32 blocks of 16, RFC 4344 section 3.2 */

/* Fetched once; a fork inherits them. The worker has one thread. */
static EVP_CIPHER *aes128, *aes192, *aes256;

static const EVP_CIPHER *ctr_fetched(EVP_CIPHER **cipher, const char *name)
{
    if (!*cipher)
        *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    return *cipher;
}

static void ctr_close(void *state)
{
    EVP_CIPHER_CTX_free(state);
}

/* Counter mode encrypts its counter in both directions. */
static int ctr_open(const EVP_CIPHER *cipher, size_t key_size, struct sp_span key, struct sp_span iv,
                    void **state)
{
    if (key.size != key_size || iv.size != IV_SIZE)
        return -EINVAL;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!cipher || !context || EVP_EncryptInit_ex2(context, cipher, key.data, iv.data, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        return crypto_failed();
    }
    *state = context;
    return 0;
}

static int aes128_ctr_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    return ctr_open(ctr_fetched(&aes128, "AES-128-CTR"), 16, key, iv, state);
}

static int aes192_ctr_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    return ctr_open(ctr_fetched(&aes192, "AES-192-CTR"), 24, key, iv, state);
}

static int aes256_ctr_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    return ctr_open(ctr_fetched(&aes256, "AES-256-CTR"), 32, key, iv, state);
}

static int ctr_crypt(void *state, uint8_t *data, size_t size)
{
    int written;
    if (size > INT_MAX)
        return -EINVAL;
    if (size == 0 || EVP_EncryptUpdate(state, data, &written, data, (int)size) == 1)
        return 0;
    OPENSSL_cleanse(data, size); /* what was not encrypted must not be sent by mistake */
    return crypto_failed();
}

#define CTR_CIPHER(symbol, name_, key_size_)                                                                 \
    const struct sp_cipher_ops cipher_##symbol = {                                                           \
        .head = SP_MODULE_HEAD(SP_KIND_CIPHER, struct sp_cipher_ops, name_),                                 \
        .key_size = (key_size_),                                                                             \
        .iv_size = IV_SIZE,                                                                                  \
        .block_size = 16,                                                                                    \
        .tag_size = 0,                                                                                       \
        .rekey_octets = REKEY_OCTETS,                                                                        \
        .open = symbol##_open,                                                                               \
        .close = ctr_close,                                                                                  \
        .crypt = ctr_crypt,                                                                                  \
    }

CTR_CIPHER(aes128_ctr, "aes128-ctr", 16);
CTR_CIPHER(aes192_ctr, "aes192-ctr", 24);
CTR_CIPHER(aes256_ctr, "aes256-ctr", 32);
