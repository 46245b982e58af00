/*
 * Ephemeral agreements: a checked public value of the peer comes from a method's respond(), our public value
 * and the shared secret go back to it. RFC 4253 section 8, RFC 5656 section 4, RFC 8731.
 */
#include "kex/agreement.h"

#include <openssl/dh.h>

#include <sallyport/wire.h>

#include "common/owned.h"

static EVP_PKEY_CTX *generator_new(const struct agreement *agreement)
{
    EVP_PKEY_CTX *generator = EVP_PKEY_CTX_new_from_name(NULL, agreement->type, NULL);
    if (!generator || EVP_PKEY_keygen_init(generator) != 1)
        goto out;
    OSSL_PARAM params[3] = {0};
    size_t count = 0, private_bits = agreement->private_bits;
    if (agreement->group)
        params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                           (char *)(uintptr_t)agreement->group, 0);
    if (private_bits)
        params[count++] = OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_DH_PRIV_LEN, &private_bits);
    params[count] = OSSL_PARAM_construct_end();
    if (count == 0 || EVP_PKEY_CTX_set_params(generator, params) == 1)
        return generator;
out:
    EVP_PKEY_CTX_free(generator);
    return NULL;
}

int agreement_prepare(struct agreement *agreement)
{
    if (agreement->generator)
        return 0;
    agreement->generator = generator_new(agreement);
    if (!agreement->generator)
        return crypto_failed();
    /* Fetched for its side effect: libcrypto keeps what it has found. The exchange of "EC" keys is called
     * ECDH. */
    EVP_KEYEXCH_free(
        EVP_KEYEXCH_fetch(NULL, strcmp(agreement->type, "EC") == 0 ? "ECDH" : agreement->type, NULL));
    return 0;
}

int agreement_generate(struct agreement *agreement, EVP_PKEY **own)
{
    int result = agreement_prepare(agreement);
    if (result != 0)
        return result;
    EVP_PKEY *made = NULL;
    if (EVP_PKEY_generate(agreement->generator, &made) != 1)
        return crypto_failed();
    *own = made;
    return 0;
}

int agreement_public(const struct agreement *agreement, EVP_PKEY *own, struct sp_out *out)
{
    uint8_t encoded[SP_KEX_PUBLIC_MAX];
    size_t size = 0;
    if (EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, encoded, sizeof encoded,
                                        &size) != 1)
        return crypto_failed();
    if (size != agreement->public_size)
        return -EIO;
    sp_put_raw(out, sp_span_of(encoded, size));
    return sp_put_end(out);
}

/* The peer's value as a key with our key's parameters. */
static EVP_PKEY *peer_key(EVP_PKEY *own, struct sp_span peer)
{
    EVP_PKEY *key = EVP_PKEY_new();
    if (key && EVP_PKEY_copy_parameters(key, own) == 1 &&
        EVP_PKEY_set1_encoded_public_key(key, peer.data, peer.size) == 1)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* libcrypto drops leading zeros of a DH secret unless told not to; the time that takes tells of the secret.
 */
static int pad_secret(const struct agreement *agreement, EVP_PKEY_CTX *context)
{
    return strcmp(agreement->type, "DH") != 0 || EVP_PKEY_CTX_set_dh_pad(context, 1) == 1;
}

static bool is_zero(const uint8_t *secret, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= secret[i];
    return any == 0;
}

int agreement_derive(const struct agreement *agreement, EVP_PKEY *own, struct sp_span peer, uint8_t *secret)
{
    size_t size = agreement->secret_size;
    memset(secret, 0, size);
    OWNED(EVP_PKEY) *theirs = peer_key(own, peer);
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    if (!theirs || !context || EVP_PKEY_derive_init(context) != 1)
        return crypto_failed();
    /*
     * No second validation: the caller has checked the value, and libcrypto's full check would raise it to
     * the group's order, at several times the cost of the agreement, to learn that an ephemeral key is not at
     * risk.
     */
    if (EVP_PKEY_derive_set_peer_ex(context, theirs, 0) != 1 || !pad_secret(agreement, context))
        return crypto_failed();
    bool derived = EVP_PKEY_derive(context, secret, &size) == 1 && size == agreement->secret_size;
    if (derived && !is_zero(secret, size))
        return 0;
    OPENSSL_cleanse(secret, agreement->secret_size);
    ERR_clear_error();
    return derived ? SP_E_REFUSED : -EIO;
}

void agreement_forget(struct sp_out *out)
{
    if (out->size != 0)
        OPENSSL_cleanse(out->data, out->size);
    out->size = 0;
}

static int respond(struct agreement *agreement, struct sp_span peer, struct sp_out *server_public,
                   struct sp_out *secret)
{
    OWNED(EVP_PKEY) *own = NULL;
    int result = agreement_generate(agreement, &own);
    if (result == 0)
        result = agreement_public(agreement, own, server_public);
    if (result != 0)
        return result;
    uint8_t shared[SP_KEX_SECRET_MAX];
    result = agreement_derive(agreement, own, peer, shared);
    if (result == 0) {
        sp_put_raw(secret, sp_span_of(shared, agreement->secret_size));
        result = sp_put_end(secret);
    }
    OPENSSL_cleanse(shared, agreement->secret_size);
    return result;
}

int agreement_respond(struct agreement *agreement, struct sp_span peer, struct sp_out *server_public,
                      struct sp_out *secret)
{
    int result = respond(agreement, peer, server_public, secret);
    if (result != 0) {
        agreement_forget(server_public);
        agreement_forget(secret);
    }
    return result;
}
