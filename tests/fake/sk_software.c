/*
 * A FIDO authenticator made of software, for OpenSSH's ssh and ssh-keygen (SSH_SK_PROVIDER, -w): libcrypto has the keys, and a
 * key handle is the private key itself. Nobody has to touch it: SALLYPORT_SK_FLAGS says what it claims to have been
 * shown (0: nothing, 1: a touch, 4: a PIN); without it, what was asked for. Implements version 10 of OpenSSH's sk-api.h, as
 * PROTOCOL.u2f describes it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define API_VERSION 0x000a0000u

enum { ALGORITHM_ECDSA = 0, ALGORITHM_ED25519 = 1 };
enum { OK = 0, FAILED = -1, UNSUPPORTED = -2 };

struct enrolled {
    uint8_t flags;
    uint8_t *public_key;
    size_t public_key_size;
    uint8_t *handle;
    size_t handle_size;
    uint8_t *signature;
    size_t signature_size;
    uint8_t *attestation;
    size_t attestation_size;
    uint8_t *authenticator_data;
    size_t authenticator_data_size;
};

struct signed_response {
    uint8_t flags;
    uint32_t counter;
    uint8_t *r;
    size_t r_size;
    uint8_t *s;
    size_t s_size;
};

struct option;
struct resident_key;

uint32_t sk_api_version(void);
int sk_enroll(uint32_t algorithm, const uint8_t *challenge, size_t challenge_size, const char *application,
              uint8_t flags, const char *pin, struct option **options, struct enrolled **response);
int sk_sign(uint32_t algorithm, const uint8_t *data, size_t data_size, const char *application,
            const uint8_t *handle, size_t handle_size, uint8_t flags, const char *pin,
            struct option **options, struct signed_response **response);
int sk_load_resident_keys(const char *pin, struct option **options, struct resident_key ***keys,
                          size_t *count);

uint32_t sk_api_version(void)
{
    return API_VERSION;
}

static uint8_t *copy(const void *bytes, size_t size)
{
    uint8_t *made = malloc(size ? size : 1);
    if (made && size)
        memcpy(made, bytes, size);
    return made;
}

static EVP_PKEY *key_make(uint32_t algorithm)
{
    switch (algorithm) {
    case ALGORITHM_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case ALGORITHM_ECDSA:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    default:
        return NULL;
    }
}

/* Ed25519: the 32 octets; ECDSA: the uncompressed point. */
static uint8_t *public_of(EVP_PKEY *key, uint32_t algorithm, size_t *size)
{
    uint8_t bytes[256];
    size_t used = sizeof bytes;
    int good = algorithm == ALGORITHM_ED25519 ? EVP_PKEY_get_raw_public_key(key, bytes, &used)
                                              : EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
                                                                                bytes, sizeof bytes, &used);
    if (good != 1)
        return NULL;
    *size = used;
    return copy(bytes, used);
}

int sk_enroll(uint32_t algorithm, const uint8_t *challenge, size_t challenge_size, const char *application,
              uint8_t flags, const char *pin, struct option **options, struct enrolled **response)
{
    uint8_t *der = NULL;
    struct enrolled *made = calloc(1, sizeof *made);
    EVP_PKEY *key = key_make(algorithm);
    int size = key ? i2d_PrivateKey(key, &der) : 0;
    (void)challenge, (void)challenge_size, (void)application, (void)pin, (void)options;
    if (!made || size <= 0) {
        free(made);
        EVP_PKEY_free(key);
        return key ? FAILED : UNSUPPORTED;
    }
    made->flags = flags;
    made->public_key = public_of(key, algorithm, &made->public_key_size);
    made->handle = copy(der, (size_t)size);
    made->handle_size = (size_t)size;
    made->signature = copy("none", 4); /* of an attestation, which nobody here asks for */
    made->signature_size = 4;
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    *response = made;
    return made->public_key && made->handle && made->signature ? OK : FAILED;
}

static uint8_t flags_shown(uint8_t asked)
{
    const char *text = getenv("SALLYPORT_SK_FLAGS");
    return text ? (uint8_t)strtoul(text, NULL, 0) : asked;
}

/* SHA256(application) ‖ flags ‖ counter ‖ SHA256(data). */
static int text_make(const char *application, const struct signed_response *response, const uint8_t *data,
                     size_t data_size, uint8_t text[32 + 1 + 4 + 32])
{
    unsigned size = 0;
    text[32] = response->flags;
    for (unsigned i = 0; i < 4; i++)
        text[33 + i] = (uint8_t)(response->counter >> (24 - 8 * i));
    return EVP_Digest(application, strlen(application), text, &size, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(data, data_size, text + 37, &size, EVP_sha256(), NULL) == 1;
}

static uint8_t *number_copy(const BIGNUM *number, size_t *size)
{
    uint8_t *bytes = malloc((size_t)BN_num_bytes(number) + 1);
    if (bytes)
        *size = (size_t)BN_bn2bin(number, bytes);
    return bytes;
}

static int ecdsa_take(const uint8_t *der, size_t size, struct signed_response *response)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);
    if (!pair)
        return 0;
    response->r = number_copy(ECDSA_SIG_get0_r(pair), &response->r_size);
    response->s = number_copy(ECDSA_SIG_get0_s(pair), &response->s_size);
    ECDSA_SIG_free(pair);
    return response->r && response->s;
}

int sk_sign(uint32_t algorithm, const uint8_t *data, size_t data_size, const char *application,
            const uint8_t *handle, size_t handle_size, uint8_t flags, const char *pin,
            struct option **options, struct signed_response **response)
{
    uint8_t text[69], signature[256];
    size_t size = sizeof signature;
    struct signed_response *made = calloc(1, sizeof *made);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &handle, (long)handle_size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const char *digest = algorithm == ALGORITHM_ECDSA ? "SHA256" : NULL;
    (void)pin, (void)options;
    int good = made && key && context;
    if (good) {
        made->flags = flags_shown(flags);
        made->counter = 1;
        good = text_make(application, made, data, data_size, text) &&
               EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, key, NULL) == 1 &&
               EVP_DigestSign(context, signature, &size, text, sizeof text) == 1;
    }
    if (good && algorithm == ALGORITHM_ECDSA) {
        good = ecdsa_take(signature, size, made);
    } else if (good) {
        made->r = copy(signature, size);
        made->r_size = size;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!good) {
        free(made);
        return FAILED;
    }
    *response = made;
    return OK;
}

int sk_load_resident_keys(const char *pin, struct option **options, struct resident_key ***keys,
                          size_t *count)
{
    (void)pin, (void)options, (void)keys, (void)count;
    return UNSUPPORTED;
}
