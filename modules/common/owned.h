/*
 * Cleanup attributes for libcrypto's objects, for the built-in modules alone. A local declared with one of
 * these is freed on every way out of its block; libcrypto wipes what it frees.
 */
#pragma once

#include <errno.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define OWNED(type) __attribute__((cleanup(owned_##type##_free))) type

#define OWNED_DEFINE(type, free_function)                                                                    \
    static inline void owned_##type##_free(type **object)                                                    \
    {                                                                                                        \
        free_function(*object);                                                                              \
    }

OWNED_DEFINE(BIGNUM, BN_clear_free)
OWNED_DEFINE(ECDSA_SIG, ECDSA_SIG_free)
OWNED_DEFINE(EC_POINT, EC_POINT_free)
OWNED_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)
OWNED_DEFINE(EVP_PKEY, EVP_PKEY_free)
OWNED_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OWNED_DEFINE(OSSL_PARAM, OSSL_PARAM_free)
OWNED_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

/* libcrypto failed where no peer's value can be the reason: its error queue is emptied, for nobody would read
 * it. */
static inline int crypto_failed(void)
{
    ERR_clear_error();
    return -EIO;
}
