/*
 * ML-KEM-768 and ML-KEM-1024: a client's encapsulation key comes from a hybrid, ciphertext and secret go back to it.
 * FIPS 203.
 */
#include "kex/mlkem.h"

#include <sallyport/wire.h>

#include "common/owned.h"

#define MLKEM_SEED_SIZE 32u
#define MLKEM_PRIME 3329u

/* libcrypto's answer, asked for once. Who links this has one thread. */
static enum { MLKEM_UNKNOWN, MLKEM_MISSING, MLKEM_PRESENT } presence;

/* Fetched for the side effect too: libcrypto keeps what it has found. */
static bool is_present(const char *name)
{
    EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, name, NULL);
    EVP_KEM *kem = EVP_KEM_fetch(NULL, name, NULL);
    bool present = keys && kem;
    EVP_KEYMGMT_free(keys);
    EVP_KEM_free(kem);
    ERR_clear_error();
    return present;
}

bool mlkem_available(void)
{
    if (presence == MLKEM_UNKNOWN)
        presence = is_present("ML-KEM-768") && is_present("ML-KEM-1024") ? MLKEM_PRESENT : MLKEM_MISSING;
    return presence == MLKEM_PRESENT;
}

/* Two coefficients of 12 bits in three octets, low bits first (FIPS 203, ByteEncode_12). */
int mlkem_check_key(struct sp_span key)
{
    for (size_t i = 0; i < key.size - MLKEM_SEED_SIZE; i += 3) {
        const uint8_t *pair = key.data + i;
        unsigned first = pair[0] | (pair[1] & 0x0fu) << 8;
        unsigned second = pair[1] >> 4 | (unsigned)pair[2] << 4;
        if (first >= MLKEM_PRIME || second >= MLKEM_PRIME)
            return SP_E_REFUSED;
    }
    return 0;
}

static int encapsulate(const char *name, size_t ciphertext_size, struct sp_span key,
                       struct sp_out *ciphertext, uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    if (!mlkem_available())
        return -EOPNOTSUPP;
    OWNED(EVP_PKEY) *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, name, NULL, key.data, key.size);
    if (!theirs)
        return crypto_failed();
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, theirs, NULL);
    uint8_t wrapped[MLKEM1024_CT_SIZE];
    size_t wrapped_size = sizeof wrapped, secret_size = HYBRID_KEM_SECRET_SIZE;
    if (!context || EVP_PKEY_encapsulate_init(context, NULL) != 1 ||
        EVP_PKEY_encapsulate(context, wrapped, &wrapped_size, secret, &secret_size) != 1)
        return crypto_failed();
    if (wrapped_size != ciphertext_size || secret_size != HYBRID_KEM_SECRET_SIZE)
        return -EIO;
    sp_put_raw(ciphertext, sp_span_of(wrapped, wrapped_size));
    return sp_put_end(ciphertext);
}

static int mlkem768_encapsulate(struct sp_span key, struct sp_out *ciphertext,
                                uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    return encapsulate("ML-KEM-768", MLKEM768_CT_SIZE, key, ciphertext, secret);
}

static int mlkem1024_encapsulate(struct sp_span key, struct sp_out *ciphertext,
                                 uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    return encapsulate("ML-KEM-1024", MLKEM1024_CT_SIZE, key, ciphertext, secret);
}

static int mlkem_prepare(void)
{
    (void)mlkem_available();
    return 0;
}

const struct hybrid_kem mlkem768 = {.encapsulate = mlkem768_encapsulate, .prepare = mlkem_prepare};
const struct hybrid_kem mlkem1024 = {.encapsulate = mlkem1024_encapsulate, .prepare = mlkem_prepare};
