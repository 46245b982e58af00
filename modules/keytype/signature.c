/*
 * Signatures: blobs come from a user's authentication request or from our own token, verdicts go to who
 * decides. RFC 4253 section 6.6.
 */
#include "keytype/signature.h"

#include <sallyport/wire.h>

#include "common/owned.h"

int signature_open(struct sp_span blob, const char *name, struct sp_span *inner)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span algorithm = sp_get_text(&in, 64);
    struct sp_span signature = sp_get_string(&in, SP_SIGNATURE_MAX);
    if (sp_get_end(&in) != 0 || !sp_span_is(algorithm, name))
        return SP_E_MALFORMED;
    *inner = signature;
    return 0;
}

int signature_put(struct sp_out *out, const char *name, struct sp_span inner)
{
    size_t before = out->size;
    sp_put_text(out, name);
    sp_put_string(out, inner);
    int result = sp_put_end(out);
    if (result != 0)
        out->size = before;
    return result;
}

enum sp_verdict signature_check(EVP_PKEY *key, const char *digest, struct sp_span signature,
                                struct sp_span message)
{
    OWNED(EVP_MD_CTX) *context = key ? EVP_MD_CTX_new() : NULL;
    if (!context || EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, key, NULL) != 1 ||
        EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) != 1) {
        ERR_clear_error();
        return SP_VERDICT_BAD;
    }
    return SP_VERDICT_GOOD;
}

EVP_PKEY *public_key_from(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OWNED(OSSL_PARAM) *params = OSSL_PARAM_BLD_to_param(builder);
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return key;
}

int public_key_prepare(const char *type, const char *signature)
{
    /* Fetched for the side effect: libcrypto keeps what it has found. */
    EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, type, NULL);
    EVP_SIGNATURE *code = EVP_SIGNATURE_fetch(NULL, signature, NULL);
    bool found = keys && code;
    EVP_KEYMGMT_free(keys);
    EVP_SIGNATURE_free(code);
    return found ? 0 : crypto_failed();
}
