/*
 * mlkem768x25519-sha256, a post-quantum hybrid: C_INIT is an ML-KEM-768 encapsulation key and an X25519
 * value, S_REPLY the ciphertext and our X25519 value, K the hash of both secrets, a string.
 * draft-ietf-sshm-mlkem-hybrid-kex, FIPS 203. Whether libcrypto has ML-KEM (3.5 does) is found out at run
 * time.
 */
#include "kex/mlkem768x25519.h"

#include <sallyport/wire.h>

#include "common/owned.h"
#include "kex/curve25519.h"

#define MLKEM768 "ML-KEM-768"
#define MLKEM_SEED_SIZE 32u
#define MLKEM_PRIME 3329u

/* libcrypto's answer and its hash, asked for once. Who links this has one thread. */
static enum { MLKEM_UNKNOWN, MLKEM_MISSING, MLKEM_PRESENT } presence;
static EVP_MD *sha256;

static bool mlkem_available(void)
{
    if (presence != MLKEM_UNKNOWN)
        return presence == MLKEM_PRESENT;
    EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, MLKEM768, NULL);
    EVP_KEM *kem = EVP_KEM_fetch(NULL, MLKEM768, NULL);
    presence = keys && kem ? MLKEM_PRESENT : MLKEM_MISSING;
    EVP_KEYMGMT_free(keys);
    EVP_KEM_free(kem);
    ERR_clear_error();
    return presence == MLKEM_PRESENT;
}

int mlkem768_check_key(struct sp_span key)
{
    for (size_t i = 0; i < MLKEM768_EK_SIZE - MLKEM_SEED_SIZE; i += 3) {
        const uint8_t *pair = key.data + i;
        unsigned first = pair[0] | (pair[1] & 0x0fu) << 8;
        unsigned second = pair[1] >> 4 | (unsigned)pair[2] << 4;
        if (first >= MLKEM_PRIME || second >= MLKEM_PRIME)
            return SP_E_REFUSED;
    }
    return 0;
}

/* `kem` is the size of ML-KEM's part; the X25519 value follows it. */
static int hybrid_split(struct sp_span value, size_t kem, struct sp_span *mlkem, struct sp_span *x25519)
{
    struct sp_in in = sp_in_of(value);
    struct sp_span first = sp_get_raw(&in, kem), second = sp_get_raw(&in, X25519_SIZE);
    if (sp_get_end(&in) != 0)
        return SP_E_MALFORMED;
    *mlkem = first;
    *x25519 = second;
    return x25519_check(second);
}

static int split_client(struct sp_span client_public, struct sp_span *key, struct sp_span *x25519)
{
    int result = hybrid_split(client_public, MLKEM768_EK_SIZE, key, x25519);
    return result != 0 ? result : mlkem768_check_key(*key);
}

static int mlkem_check_publics(struct sp_span client_public, struct sp_span server_public)
{
    struct sp_span mlkem, x25519;
    int result = split_client(client_public, &mlkem, &x25519);
    return result != 0 ? result : hybrid_split(server_public, MLKEM768_CT_SIZE, &mlkem, &x25519);
}

static int encapsulate(struct sp_span key, struct sp_out *ciphertext,
                       uint8_t secret[static MLKEM768_SECRET_SIZE])
{
    OWNED(EVP_PKEY) *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, MLKEM768, NULL, key.data, key.size);
    if (!theirs)
        return crypto_failed();
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, theirs, NULL);
    uint8_t wrapped[MLKEM768_CT_SIZE];
    size_t wrapped_size = sizeof wrapped, secret_size = MLKEM768_SECRET_SIZE;
    if (!context || EVP_PKEY_encapsulate_init(context, NULL) != 1 ||
        EVP_PKEY_encapsulate(context, wrapped, &wrapped_size, secret, &secret_size) != 1)
        return crypto_failed();
    if (wrapped_size != sizeof wrapped || secret_size != MLKEM768_SECRET_SIZE)
        return -EIO;
    sp_put_raw(ciphertext, sp_span_of(wrapped, sizeof wrapped));
    return sp_put_end(ciphertext);
}

static int sha256_fetch(void)
{
    if (!sha256)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return sha256 ? 0 : crypto_failed();
}

int mlkem768x25519_combine(const uint8_t mlkem[static 32], const uint8_t x25519[static 32],
                           struct sp_out *secret)
{
    int result = sha256_fetch();
    if (result != 0)
        return result;
    uint8_t both[MLKEM768_SECRET_SIZE + X25519_SIZE], hash[32];
    memcpy(both, mlkem, MLKEM768_SECRET_SIZE);
    memcpy(both + MLKEM768_SECRET_SIZE, x25519, X25519_SIZE);
    if (EVP_Digest(both, sizeof both, hash, NULL, sha256, NULL) == 1) {
        sp_put_raw(secret, sp_span_of(hash, sizeof hash));
        result = sp_put_end(secret);
    } else {
        result = crypto_failed();
    }
    OPENSSL_cleanse(both, sizeof both);
    OPENSSL_cleanse(hash, sizeof hash);
    return result;
}

static int hybrid_respond(struct sp_span key, struct sp_span x25519, struct sp_out *server_public,
                          struct sp_out *secret)
{
    uint8_t mlkem_secret[MLKEM768_SECRET_SIZE] = {0}, x25519_secret[X25519_SIZE] = {0};
    struct sp_out agreed = {.data = x25519_secret, .capacity = sizeof x25519_secret};
    uint8_t own[X25519_SIZE];
    struct sp_out own_public = {.data = own, .capacity = sizeof own};
    int result = encapsulate(key, server_public, mlkem_secret);
    if (result == 0)
        result = agreement_respond(x25519_agreement(), x25519, &own_public, &agreed);
    if (result == 0) {
        sp_put_raw(server_public, sp_written(&own_public));
        result = sp_put_end(server_public);
    }
    if (result == 0)
        result = mlkem768x25519_combine(mlkem_secret, x25519_secret, secret);
    OPENSSL_cleanse(mlkem_secret, sizeof mlkem_secret);
    OPENSSL_cleanse(x25519_secret, sizeof x25519_secret);
    return result;
}

static int mlkem_respond(struct sp_span client_public, struct sp_out *server_public, struct sp_out *secret)
{
    agreement_forget(server_public);
    agreement_forget(secret);
    struct sp_span key, x25519;
    int result = split_client(client_public, &key, &x25519);
    if (result != 0)
        return result;
    if (!mlkem_available())
        return -EOPNOTSUPP;
    result = hybrid_respond(key, x25519, server_public, secret);
    if (result != 0) {
        agreement_forget(server_public);
        agreement_forget(secret);
    }
    return result;
}

static int mlkem_ask(void)
{
    (void)mlkem_available();
    return 0;
}

static int mlkem_prepare(void)
{
    (void)mlkem_available();
    int result = sha256_fetch();
    return result != 0 ? result : agreement_prepare(x25519_agreement());
}

const struct sp_kex_info kex_mlkem768x25519_sha256_info = {
    .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, "mlkem768x25519-sha256"),
    .digest = "sha256",
    .public_field = SP_KEX_STRING,
    .secret_field = SP_KEX_STRING,
    .secret_size = 32, /* a SHA-256 digest */
    .post_quantum = true,
    .available = mlkem_available,
    .check_publics = mlkem_check_publics,
    .prepare = mlkem_ask,
};

const struct sp_kex_ops kex_mlkem768x25519_sha256 = {
    .info = &kex_mlkem768x25519_sha256_info,
    .respond = mlkem_respond,
    .prepare = mlkem_prepare,
};
