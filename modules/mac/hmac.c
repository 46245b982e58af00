/*
 * hmac-sha2-256, hmac-sha2-512 and hmac-sha1, plain and encrypt-then-MAC: packets come from the transport, tags go back
 * to it. The two forms differ only in what the transport hands over. RFC 6668, RFC 4253 section 6.4, OpenSSH's PROTOCOL
 * section 1.5. HMAC with SHA-1 is not broken as SHA-1 is, but a policy has to ask for it by name.
 */
#include <sallyport/mac.h>

#include "common/owned.h"

/* Fetched once; a fork inherits it. The worker has one thread. */
static EVP_MAC *hmac;

static void hmac_close(void *state)
{
    EVP_MAC_CTX_free(state);
}

static int hmac_open(const char *digest, size_t key_size, struct sp_span key, void **state)
{
    if (key.size != key_size)
        return -EINVAL;
    if (!hmac)
        hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    if (!context || EVP_MAC_init(context, key.data, key.size, params) != 1) {
        EVP_MAC_CTX_free(context);
        return crypto_failed();
    }
    *state = context;
    return 0;
}

static int hmac_sha1_open(struct sp_span key, void **state)
{
    return hmac_open("SHA1", 20, key, state);
}

static int hmac_sha256_open(struct sp_span key, void **state)
{
    return hmac_open("SHA256", 32, key, state);
}

static int hmac_sha512_open(struct sp_span key, void **state)
{
    return hmac_open("SHA512", 64, key, state);
}

static int hmac_compute(EVP_MAC_CTX *context, uint32_t sequence, struct sp_span data, uint8_t *tag,
                        size_t tag_size)
{
    const uint8_t number[4] = {(uint8_t)(sequence >> 24), (uint8_t)(sequence >> 16), (uint8_t)(sequence >> 8),
                               (uint8_t)sequence};
    size_t written = 0;
    /* Without a key, init begins a new message under the old one. */
    if (EVP_MAC_init(context, NULL, 0, NULL) == 1 && EVP_MAC_update(context, number, sizeof number) == 1 &&
        EVP_MAC_update(context, data.data, data.size) == 1 &&
        EVP_MAC_final(context, tag, &written, tag_size) == 1 && written == tag_size)
        return 0;
    OPENSSL_cleanse(tag, tag_size);
    return crypto_failed();
}

static int hmac_sha1_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)
{
    return hmac_compute(state, sequence, data, tag, 20);
}

static int hmac_sha256_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)
{
    return hmac_compute(state, sequence, data, tag, 32);
}

static int hmac_sha512_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)
{
    return hmac_compute(state, sequence, data, tag, 64);
}

#define HMAC(symbol, name_, digest, size_, etm_)                                                             \
    const struct sp_mac_ops mac_##symbol = {                                                                 \
        .head = SP_MODULE_HEAD(SP_KIND_MAC, struct sp_mac_ops, name_),                                       \
        .key_size = (size_),                                                                                 \
        .tag_size = (size_),                                                                                 \
        .etm = (etm_),                                                                                       \
        .open = hmac_##digest##_open,                                                                        \
        .close = hmac_close,                                                                                 \
        .compute = hmac_##digest##_compute,                                                                  \
    }

HMAC(hmac_sha2_256, "hmac-sha2-256", sha256, 32, false);
HMAC(hmac_sha2_512, "hmac-sha2-512", sha512, 64, false);
HMAC(hmac_sha2_256_etm, "hmac-sha2-256-etm@openssh.com", sha256, 32, true);
HMAC(hmac_sha2_512_etm, "hmac-sha2-512-etm@openssh.com", sha512, 64, true);
HMAC(hmac_sha1, "hmac-sha1", sha1, 20, false);
HMAC(hmac_sha1_etm, "hmac-sha1-etm@openssh.com", sha1, 20, true);
