/*
 * chacha20-poly1305@openssh.com: packets come from the transport and go back to it, in place. One key
 * encrypts the four length octets, the other makes a one-time Poly1305 key (block 0) and encrypts the rest
 * (from block 1); the tag covers both ciphertexts. OpenSSH's PROTOCOL.chacha20poly1305, RFC 8439 for the
 * primitives.
 */
#include <limits.h>

#include <sallyport/cipher.h>

#include "common/owned.h"

#define LENGTH_SIZE 4u
#define HALF_KEY 32u
#define NONCE_SIZE 16u /* as libcrypto takes it: 8 octets block counter, 8 octets nonce */
#define BLOCK_SIZE 64u
#define POLY_KEY_SIZE 32u
#define TAG_SIZE 16u
#define REKEY_OCTETS (UINT64_C(1) << 30)

struct chacha {
    EVP_CIPHER_CTX *body;
    EVP_CIPHER_CTX *head;
    EVP_MAC_CTX *poly;
};

/* Fetched once; a fork inherits them. The worker has one thread. */
static EVP_CIPHER *chacha20;
static EVP_MAC *poly1305;

static bool chacha_fetch(void)
{
    if (!chacha20)
        chacha20 = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
    if (!poly1305)
        poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    return chacha20 && poly1305;
}

static void chacha_close(void *state)
{
    struct chacha *chacha = state;
    if (!chacha)
        return;
    EVP_CIPHER_CTX_free(chacha->body);
    EVP_CIPHER_CTX_free(chacha->head);
    EVP_MAC_CTX_free(chacha->poly);
    OPENSSL_clear_free(chacha, sizeof *chacha);
}

static bool chacha_set_up(struct chacha *chacha, const uint8_t *key)
{
    chacha->body = EVP_CIPHER_CTX_new();
    chacha->head = EVP_CIPHER_CTX_new();
    chacha->poly = EVP_MAC_CTX_new(poly1305);
    return chacha->body && chacha->head && chacha->poly &&
           EVP_EncryptInit_ex2(chacha->body, chacha20, key, NULL, NULL) == 1 &&
           EVP_EncryptInit_ex2(chacha->head, chacha20, key + HALF_KEY, NULL, NULL) == 1;
}

/* A stream cipher's two directions are one. */
static int chacha_open(bool encrypt, struct sp_span key, struct sp_span iv, void **state)
{
    if (key.size != 2 * HALF_KEY || iv.size != 0)
        return -EINVAL;
    if (!chacha_fetch())
        return crypto_failed();
    struct chacha *chacha = OPENSSL_zalloc(sizeof *chacha);
    if (!chacha)
        return -ENOMEM;
    if (!chacha_set_up(chacha, key.data)) {
        chacha_close(chacha);
        return crypto_failed();
    }
    *state = chacha;
    return 0;
}

/* Begins at block 0 of the packet's stream; the nonce is the sequence number as 64 bits, big-endian. */
static bool chacha_begin(EVP_CIPHER_CTX *context, uint32_t sequence)
{
    const uint8_t nonce[NONCE_SIZE] = {[12] = (uint8_t)(sequence >> 24),
                                       (uint8_t)(sequence >> 16),
                                       (uint8_t)(sequence >> 8),
                                       (uint8_t)sequence};
    return EVP_EncryptInit_ex2(context, NULL, NULL, nonce, NULL) == 1;
}

static bool chacha_apply(EVP_CIPHER_CTX *context, const uint8_t *in, uint8_t *out, size_t size)
{
    int written;
    return EVP_EncryptUpdate(context, out, &written, in, (int)size) == 1;
}

/* Makes Poly1305 ready for the packet, which uses up block 0 and leaves `body` at block 1, where the payload
 * begins. */
static bool poly_begin(struct chacha *chacha, uint32_t sequence)
{
    static const uint8_t zeros[BLOCK_SIZE];
    uint8_t block[BLOCK_SIZE];
    bool ok = chacha_begin(chacha->body, sequence) &&
              chacha_apply(chacha->body, zeros, block, sizeof block) &&
              EVP_MAC_init(chacha->poly, block, POLY_KEY_SIZE, NULL) == 1;
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

static bool poly_tag(struct chacha *chacha, const uint8_t *data, size_t size, uint8_t tag[static TAG_SIZE])
{
    size_t written;
    return EVP_MAC_update(chacha->poly, data, size) == 1 &&
           EVP_MAC_final(chacha->poly, tag, &written, TAG_SIZE) == 1 && written == TAG_SIZE;
}

static int chacha_length(void *state, uint32_t sequence, const uint8_t head[4], uint32_t *packet_length)
{
    struct chacha *chacha = state;
    uint8_t clear[LENGTH_SIZE];
    if (!chacha_begin(chacha->head, sequence) || !chacha_apply(chacha->head, head, clear, sizeof clear))
        return crypto_failed();
    *packet_length = (uint32_t)clear[0] << 24 | (uint32_t)clear[1] << 16 | (uint32_t)clear[2] << 8 | clear[3];
    return 0;
}

static bool chacha_fits(size_t size)
{
    return size > LENGTH_SIZE && size <= INT_MAX;
}

static int chacha_seal(void *state, uint32_t sequence, uint8_t *packet, size_t size)
{
    struct chacha *chacha = state;
    uint8_t *body = packet + LENGTH_SIZE;
    if (!chacha_fits(size))
        return -EINVAL;
    if (poly_begin(chacha, sequence) && chacha_begin(chacha->head, sequence) &&
        chacha_apply(chacha->head, packet, packet, LENGTH_SIZE) &&
        chacha_apply(chacha->body, body, body, size - LENGTH_SIZE) &&
        poly_tag(chacha, packet, size, packet + size))
        return 0;
    OPENSSL_cleanse(packet, size + TAG_SIZE); /* what was not encrypted must not be sent by mistake */
    return crypto_failed();
}

static int chacha_unseal(void *state, uint32_t sequence, uint8_t *packet, size_t size)
{
    struct chacha *chacha = state;
    uint8_t *body = packet + LENGTH_SIZE, tag[TAG_SIZE];
    if (!chacha_fits(size))
        return SP_E_MALFORMED;
    if (!poly_begin(chacha, sequence) || !poly_tag(chacha, packet, size, tag))
        return crypto_failed();
    if (CRYPTO_memcmp(tag, packet + size, TAG_SIZE) != 0)
        return SP_E_REFUSED;
    return chacha_apply(chacha->body, body, body, size - LENGTH_SIZE) ? 0 : crypto_failed();
}

const struct sp_cipher_ops cipher_chacha20_poly1305 = {
    .head = SP_MODULE_HEAD(SP_KIND_CIPHER, struct sp_cipher_ops, "chacha20-poly1305@openssh.com"),
    .key_size = 2 * HALF_KEY,
    .iv_size = 0,
    .block_size = 8,
    .tag_size = TAG_SIZE,
    .rekey_octets = REKEY_OCTETS,
    .open = chacha_open,
    .close = chacha_close,
    .length = chacha_length,
    .seal = chacha_seal,
    .unseal = chacha_unseal,
};
