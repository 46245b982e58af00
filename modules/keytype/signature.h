/*
 * What all public key algorithms do alike: take a signature blob apart and have libcrypto check the
 * signature.
 */
#pragma once

#include <openssl/evp.h>

#include <sallyport/keytype.h>

/*
 * The inner signature of a blob `string algorithm ‖ string signature` of at most SP_SIGNATURE_MAX octets,
 * whose algorithm must be exactly `name`. 0 or SP_E_MALFORMED.
 */
SP_MUST_USE int signature_open(struct sp_span blob, const char *name, struct sp_span *inner);

/* Appends such a blob. 0 or SP_E_NO_ROOM; nothing is left in `out` then. */
SP_MUST_USE int signature_put(struct sp_out *out, const char *name, struct sp_span inner);

/*
 * Whether libcrypto's form of a signature is good. `digest` NULL: the algorithm hashes for itself. `key` may
 * be NULL, which verifies nothing. The one place in the module that says SP_VERDICT_GOOD.
 */
enum sp_verdict signature_check(EVP_PKEY *key, const char *digest, struct sp_span signature,
                                struct sp_span message);

/* A public key from libcrypto's parameters, or NULL. `type` is libcrypto's name, "RSA" or "EC". */
EVP_PKEY *public_key_from(const char *type, OSSL_PARAM_BLD *builder);

/* Has libcrypto look up a type's key and signature code ahead of the first use. 0 or a negative errno. */
SP_MUST_USE int public_key_prepare(const char *type, const char *signature);
