/*
 * SHA-256, SHA-384 and SHA-512: parts come from exchange hashes, key derivation and fingerprints; the digest
 * goes back to the caller. FIPS 180-4.
 */
#include <sallyport/digest.h>

#include "common/owned.h"

/* Fetched once; a fork inherits them. Programs that link this have one thread. */
static EVP_MD *sha256, *sha384, *sha512;

/* The context is wiped as it is freed: in a key derivation it has seen K. */
static int sha2_hash(EVP_MD **digest, const char *name, size_t size, const struct sp_span *parts,
                     size_t count, uint8_t *out)
{
    if (!*digest)
        *digest = EVP_MD_fetch(NULL, name, NULL);
    OWNED(EVP_MD_CTX) *context = EVP_MD_CTX_new();
    bool ok = *digest && context && EVP_DigestInit_ex2(context, *digest, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    if (ok && EVP_DigestFinal_ex(context, out, NULL) == 1)
        return 0;
    OPENSSL_cleanse(out, size);
    return crypto_failed();
}

#define SHA2(symbol, name_, size_)                                                                           \
    static int symbol##_hash(const struct sp_span *parts, size_t count, uint8_t *out)                        \
    {                                                                                                        \
        return sha2_hash(&symbol, name_, size_, parts, count, out);                                          \
    }                                                                                                        \
    const struct sp_digest_ops digest_##symbol = {                                                           \
        .head = SP_MODULE_HEAD(SP_KIND_DIGEST, struct sp_digest_ops, #symbol),                               \
        .size = (size_),                                                                                     \
        .hash = symbol##_hash,                                                                               \
    }

SHA2(sha256, "SHA256", 32);
SHA2(sha384, "SHA384", 48);
SHA2(sha512, "SHA512", 64);
