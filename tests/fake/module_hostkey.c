/*
 * A provider of host keys, for tests alone: "softkey:/path" is a private key in a PEM file, encrypted or not; the PIN is its
 * pass phrase. Made of libcrypto and of nothing of ours but the installed headers:
 *
 *     cc -shared -fPIC $(pkg-config --cflags sallyport) module_hostkey.c -lcrypto -o module_hostkey.so
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <sallyport/hostkey.h>
#include <sallyport/wire.h>

#define NAME "softkey"

struct key {
    const char *path;
    EVP_PKEY *pkey;
    uint8_t blob[SP_HOSTKEY_BLOB_MAX];
    size_t blob_size;
};

struct softkey {
    size_t count;
    struct key keys[SP_HOSTKEY_KEYS_MAX];
};

static int fail(struct sp_hostkey_error *error, int result, const char *what, const char *path)
{
    snprintf(error->text, sizeof error->text, "%s %s", what, path);
    return result;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int give_pin(char *room, int size, int writing, void *context)
{
    const struct sp_span *pin = context;
    if (pin->size == 0 || pin->size > (size_t)size)
        return -1;
    memcpy(room, pin->data, pin->size);
    return (int)pin->size;
}

static int key_read(struct key *key, struct sp_span pin, struct sp_hostkey_error *error)
{
    FILE *file = fopen(key->path, "re");
    char first[64] = "", second[64] = "";
    if (!file)
        return fail(error, errno == ENOENT ? SP_HOSTKEY_E_MISSING : SP_HOSTKEY_E_STOP, strerror(errno),
                    key->path);
    bool encrypted = fgets(first, sizeof first, file) && strstr(first, "ENCRYPTED");
    encrypted = encrypted || (fgets(second, sizeof second, file) && strstr(second, "ENCRYPTED"));
    rewind(file);
    key->pkey = PEM_read_PrivateKey(file, NULL, give_pin, &pin);
    fclose(file);
    if (key->pkey)
        return 0;
    if (encrypted && pin.size == 0)
        return fail(error, SP_HOSTKEY_E_STOP, "a PIN is needed for", key->path);
    return fail(error, encrypted ? SP_HOSTKEY_E_PIN : SP_HOSTKEY_E_STOP,
                encrypted ? "the PIN does not open" : "there is no private key in", key->path);
}

static bool put_number(const EVP_PKEY *pkey, const char *name, struct sp_out *out)
{
    uint8_t bytes[2048];
    BIGNUM *number = NULL;
    bool done = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && BN_num_bytes(number) <= (int)sizeof bytes;
    if (done)
        sp_put_mpint(out, sp_span_of(bytes, (size_t)BN_bn2bin(number, bytes)));
    BN_free(number);
    return done;
}

static bool put_point(const EVP_PKEY *pkey, struct sp_out *out)
{
    static const struct {
        const char *group, *curve;
    } curves[] = {{"prime256v1", "nistp256"}, {"secp384r1", "nistp384"}, {"secp521r1", "nistp521"}};
    char group[64] = "", type[64];
    uint8_t point[160];
    size_t size = 0;
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(curves[i].group, group) == 0) {
            snprintf(type, sizeof type, "ecdsa-sha2-%s", curves[i].curve);
            sp_put_text(out, type);
            sp_put_text(out, curves[i].curve);
            sp_put_string(out, sp_span_of(point, size));
            return true;
        }
    return false;
}

static bool put_blob(const EVP_PKEY *pkey, struct sp_out *out)
{
    uint8_t raw[32];
    size_t size = sizeof raw;
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_ED25519:
        sp_put_text(out, "ssh-ed25519");
        if (EVP_PKEY_get_raw_public_key(pkey, raw, &size) != 1)
            return false;
        sp_put_string(out, sp_span_of(raw, size));
        return true;
    case EVP_PKEY_EC:
        return put_point(pkey, out);
    case EVP_PKEY_RSA:
        sp_put_text(out, "ssh-rsa");
        return put_number(pkey, OSSL_PKEY_PARAM_RSA_E, out) && put_number(pkey, OSSL_PKEY_PARAM_RSA_N, out);
    default:
        return false;
    }
}

static int key_open(struct key *key, const char *uri, struct sp_span pin, struct sp_hostkey_error *error)
{
    struct sp_out out = {.data = key->blob, .capacity = sizeof key->blob};
    key->path = uri + strlen(NAME ":");
    int result = key_read(key, pin, error);
    if (result != 0)
        return result;
    if (!put_blob(key->pkey, &out) || sp_put_end(&out) != 0)
        return fail(error, SP_HOSTKEY_E_STOP, "no type of key for SSH in", key->path);
    key->blob_size = out.size;
    return 0;
}

/* ---- the provider ------------------------------------------------------------------------------------------------ */

static void softkey_close(void *provider)
{
    struct softkey *s = provider;
    for (size_t i = 0; i < s->count; i++)
        EVP_PKEY_free(s->keys[i].pkey);
    free(s);
}

static int softkey_open(const struct sp_hostkey_config *config, void **provider, bool *pin_needed,
                        struct sp_hostkey_error *error)
{
    struct softkey *s = calloc(1, sizeof *s);
    int result = s ? 0 : -ENOMEM;
    while (result == 0 && s->count < config->key_count) {
        result = key_open(&s->keys[s->count], config->keys[s->count], config->pin, error);
        s->count++;
    }
    if (result != 0) {
        if (s)
            softkey_close(s);
        return result;
    }
    *pin_needed = false;
    *provider = s;
    return 0;
}

static struct sp_span softkey_name(void *provider)
{
    return sp_text("software keys");
}

static void softkey_key(void *provider, size_t index, struct sp_hostkey_key *key)
{
    const struct softkey *s = provider;
    key->label = sp_text(s->keys[index].path);
    key->blob = sp_span_of(s->keys[index].blob, s->keys[index].blob_size);
}

static bool sign_message(EVP_PKEY *pkey, struct sp_span data, uint8_t *signature, size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(context, signature, size, data.data, data.size) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

static bool sign_digest(EVP_PKEY *pkey, const EVP_MD *md, struct sp_span data, uint8_t *signature,
                        size_t *size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    bool done = context && EVP_PKEY_sign_init(context) == 1 &&
                (!md || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                         EVP_PKEY_CTX_set_signature_md(context, md) == 1)) &&
                EVP_PKEY_sign(context, signature, size, data.data, data.size) == 1;
    EVP_PKEY_CTX_free(context);
    return done;
}

/* libcrypto's DER as r ‖ s of fixed width. */
static bool put_fixed(const EVP_PKEY *pkey, const uint8_t *der, size_t size, struct sp_out *raw)
{
    uint8_t bytes[2 * 66];
    int width = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool done = parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts), bytes, width) == width &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parts), bytes + width, width) == width;
    ECDSA_SIG_free(parts);
    if (done)
        sp_put_raw(raw, sp_span_of(bytes, 2 * (size_t)width));
    return done;
}

static bool sign(EVP_PKEY *pkey, enum sp_hostkey_mechanism mechanism, struct sp_span data, struct sp_out *raw)
{
    uint8_t signature[SP_HOSTKEY_RAW_MAX];
    size_t size = sizeof signature;
    bool done = false;
    switch (mechanism) {
    case SP_HOSTKEY_EDDSA:
        done = sign_message(pkey, data, signature, &size);
        break;
    case SP_HOSTKEY_ECDSA:
        return sign_digest(pkey, NULL, data, signature, &size) && put_fixed(pkey, signature, size, raw);
    case SP_HOSTKEY_RSA_SHA256:
        done = sign_digest(pkey, EVP_sha256(), data, signature, &size);
        break;
    case SP_HOSTKEY_RSA_SHA512:
        done = sign_digest(pkey, EVP_sha512(), data, signature, &size);
        break;
    }
    if (done)
        sp_put_raw(raw, sp_span_of(signature, size));
    return done;
}

/* A test takes the key's file away to have the token lost. */
static int softkey_sign(void *provider, size_t index, enum sp_hostkey_mechanism mechanism,
                        struct sp_span data, struct sp_out *raw, struct sp_hostkey_error *error)
{
    const struct key *key = &((const struct softkey *)provider)->keys[index];
    FILE *file = fopen(key->path, "re");
    if (!file)
        return fail(error, SP_HOSTKEY_E_LOST, "gone:", key->path);
    fclose(file);
    if (!sign(key->pkey, mechanism, data, raw) || sp_put_end(raw) != 0)
        return fail(error, SP_HOSTKEY_E_FAILED, "libcrypto does not sign with", key->path);
    return 0;
}

static const struct sp_hostkey_ops ops = {
    .head = SP_MODULE_HEAD(SP_KIND_HOSTKEY, struct sp_hostkey_ops, NAME),
    .open = softkey_open,
    .name = softkey_name,
    .key = softkey_key,
    .sign = softkey_sign,
    .close = softkey_close,
};

SP_MODULE(SP_KIND_HOSTKEY, NAME, ops);
