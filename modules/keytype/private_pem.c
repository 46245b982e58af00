/*
 * Private keys in PEM, read by libcrypto. Input: a file that the administrator names. Output: the numbers that a token
 * wants to be given. What libcrypto allocates on the way it wipes when it frees it.
 */
#include <sallyport/private_key.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "common/owned.h"

OWNED_DEFINE(BIO, BIO_free_all)
OWNED_DEFINE(BN_CTX, BN_CTX_free)

/* ---- room -------------------------------------------------------------------------------------------------- */

/* The next `size` octets of the store; NULL: there is no room. */
static uint8_t *store_take(struct sp_out *store, size_t size)
{
    if (store->full || store->capacity - store->size < size) {
        store->full = true;
        return NULL;
    }
    uint8_t *at = store->data + store->size;
    store->size += size;
    return at;
}

/* width 0: as many octets as the number has. */
static int number_store(const BIGNUM *number, size_t width, struct sp_out *store, struct sp_span *out)
{
    size_t size = width ? width : (size_t)BN_num_bytes(number);
    uint8_t *at = store_take(store, size);
    if (!at)
        return SP_E_NO_ROOM;
    if (BN_bn2binpad(number, at, (int)size) < 0)
        return SP_E_MALFORMED;
    *out = sp_span_of(at, size);
    return 0;
}

static int number_get(EVP_PKEY *pkey, const char *name, size_t width, struct sp_out *store,
                      struct sp_span *out)
{
    OWNED(BIGNUM) *number = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1) {
        ERR_clear_error();
        return SP_E_MALFORMED;
    }
    return number_store(number, width, store, out);
}

/* ---- kinds ------------------------------------------------------------------------------------------------- */

static int rsa_get(EVP_PKEY *pkey, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    const struct {
        const char *name;
        struct sp_span *out;
    } rows[] = {
        {OSSL_PKEY_PARAM_RSA_N, &key->rsa.n},          {OSSL_PKEY_PARAM_RSA_E, &key->rsa.e},
        {OSSL_PKEY_PARAM_RSA_D, &key->rsa.d},          {OSSL_PKEY_PARAM_RSA_FACTOR1, &key->rsa.p},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, &key->rsa.q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, &key->rsa.dp},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, &key->rsa.dq}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &key->rsa.qinv},
    };
    key->kind = SP_PRIVATE_RSA;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int r = number_get(pkey, rows[i].name, 0, store, rows[i].out);
        if (r) {
            *why = "its RSA key lacks a number, such as the factors of the modulus";
            return r;
        }
    }
    return 0;
}

static const char *curve_of_group(const char *group)
{
    static const char *const rows[][2] = {
        {"prime256v1", "nistp256"}, {"P-256", "nistp256"},     {"secp384r1", "nistp384"},
        {"P-384", "nistp384"},      {"secp521r1", "nistp521"}, {"P-521", "nistp521"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i][0], group) == 0)
            return rows[i][1];
    return "";
}

static int ecdsa_get(EVP_PKEY *pkey, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    char group[64] = "";
    size_t size = 0;
    key->kind = SP_PRIVATE_ECDSA;
    *why = "its curve is none of P-256, P-384 and P-521";
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
        return SP_E_MALFORMED;
    size_t width = private_key_curve(sp_text(curve_of_group(group)), &key->ecdsa.curve);
    if (width == 0)
        return SP_E_MALFORMED;
    *why = "its EC key is damaged";
    int r = number_get(pkey, OSSL_PKEY_PARAM_PRIV_KEY, width, store, &key->ecdsa.scalar);
    uint8_t *point = r ? NULL : store_take(store, 1 + 2 * width);
    if (!point)
        return r ? r : SP_E_NO_ROOM;
    if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") !=
            1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * width, &size) != 1 ||
        size != 1 + 2 * width)
        return SP_E_MALFORMED;
    key->ecdsa.point = sp_span_of(point, size);
    return 0;
}

static int ed25519_get(EVP_PKEY *pkey, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    uint8_t *seed = store_take(store, 32), *point = store_take(store, 32);
    size_t seed_size = 32, point_size = 32;
    key->kind = SP_PRIVATE_ED25519;
    *why = "its Ed25519 key is damaged";
    if (!seed || !point)
        return SP_E_NO_ROOM;
    if (EVP_PKEY_get_raw_private_key(pkey, seed, &seed_size) != 1 ||
        EVP_PKEY_get_raw_public_key(pkey, point, &point_size) != 1 || seed_size != 32 || point_size != 32)
        return SP_E_MALFORMED;
    key->ed25519.seed = sp_span_of(seed, 32);
    key->ed25519.point = sp_span_of(point, 32);
    return 0;
}

static int numbers_get(EVP_PKEY *pkey, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        return rsa_get(pkey, store, key, why);
    case EVP_PKEY_EC:
        return ecdsa_get(pkey, store, key, why);
    case EVP_PKEY_ED25519:
        return ed25519_get(pkey, store, key, why);
    default:
        *why = "it is neither RSA, ECDSA nor Ed25519";
        return SP_E_MALFORMED;
    }
}

/* ---- files ------------------------------------------------------------------------------------------------- */

/* Called for an encrypted file alone: that is all we want to know. */
static int on_passphrase(char *buffer, int size, int writing, void *asked)
{
    *(bool *)asked = true;
    return -1;
}

int private_key_read_pem(struct sp_span file, struct sp_out *store, struct sp_private_key *key,
                         const char **why)
{
    bool encrypted = false;
    struct sp_private_key read = {0};
    *why = "out of memory";
    OWNED(BIO) *bio = BIO_new_mem_buf(file.data, (int)file.size);
    if (!bio)
        return -ENOMEM;
    OWNED(EVP_PKEY) *pkey = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &encrypted);
    ERR_clear_error();
    if (!pkey) {
        *why = encrypted ? "it is encrypted" : "it holds no private key in PEM or in OpenSSH's own format";
        return encrypted ? SP_E_REFUSED : SP_E_MALFORMED;
    }
    int r = numbers_get(pkey, store, &read, why);
    ERR_clear_error();
    if (r == 0)
        r = private_key_make_blob(&read, store);
    if (r == 0)
        *key = read;
    return r;
}

/* d mod (prime - 1) */
static int exponent_make(struct sp_span d, struct sp_span prime, struct sp_out *store, struct sp_span *out)
{
    OWNED(BN_CTX) *ctx = BN_CTX_secure_new();
    OWNED(BIGNUM) *number = BN_bin2bn(d.data, (int)d.size, NULL);
    OWNED(BIGNUM) *modulus = BN_bin2bn(prime.data, (int)prime.size, NULL);
    OWNED(BIGNUM) *rest = BN_new();
    if (!ctx || !number || !modulus || !rest)
        return -ENOMEM;
    BN_set_flags(number, BN_FLG_CONSTTIME);
    BN_set_flags(modulus, BN_FLG_CONSTTIME);
    if (BN_num_bits(modulus) < 2)
        return SP_E_MALFORMED;
    if (BN_sub_word(modulus, 1) != 1 || BN_mod(rest, number, modulus, ctx) != 1)
        return crypto_failed();
    return number_store(rest, 0, store, out);
}

int private_key_complete_rsa(struct sp_private_key *key, struct sp_out *store)
{
    int r = exponent_make(key->rsa.d, key->rsa.p, store, &key->rsa.dp);
    return r ? r : exponent_make(key->rsa.d, key->rsa.q, store, &key->rsa.dq);
}
