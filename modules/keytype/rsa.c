/*
 * rsa-sha2-256 and rsa-sha2-512, both over "ssh-rsa" blobs: blobs and signatures come from a user's request,
 * an authorized_keys file or our token. RFC 4253 section 6.6, RFC 8332. The SHA-1 signature "ssh-rsa" does
 * not exist here.
 */
#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#include "common/owned.h"
#include "keytype/signature.h"

#define BLOB_TYPE "ssh-rsa"
#define BITS_MIN 2048u
#define BITS_MAX 16384u /* verification costs grow with the square; libcrypto's own limit too */
#define EXPONENT_MAX 8u /* octets */

struct rsa {
    struct sp_span e;
    struct sp_span n;
    unsigned bits;
};

static unsigned magnitude_bits(struct sp_span number)
{
    unsigned bits = (unsigned)number.size * 8;
    for (uint8_t top = number.data[0]; !(top & 0x80); top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static bool is_odd(struct sp_span number)
{
    return number.data[number.size - 1] & 1;
}

/*
 * Looks at lengths and ends of the numbers alone, so that a peer cannot make us compute with them before we
 * know that the computation is bounded. 0, SP_E_MALFORMED, SP_E_REFUSED.
 */
static int rsa_open(struct sp_span blob, struct rsa *rsa)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, 64);
    struct rsa read = {0};
    read.e = sp_get_mpint(&in, SP_KEY_BLOB_MAX); /* RFC 4253 section 6.6: e, n */
    read.n = sp_get_mpint(&in, SP_KEY_BLOB_MAX);
    if (blob.size > SP_KEY_BLOB_MAX || sp_get_end(&in) != 0 || !sp_span_is(type, BLOB_TYPE) ||
        read.e.size == 0 || read.n.size == 0)
        return SP_E_MALFORMED;
    read.bits = magnitude_bits(read.n);
    if (read.bits < BITS_MIN || read.bits > BITS_MAX || !is_odd(read.n))
        return SP_E_REFUSED;
    if (read.e.size > EXPONENT_MAX || !is_odd(read.e) || (read.e.size == 1 && read.e.data[0] == 1))
        return SP_E_REFUSED;
    *rsa = read;
    return 0;
}

static int rsa_inspect(struct sp_span blob, unsigned *bits)
{
    struct rsa rsa;
    int result = rsa_open(blob, &rsa);
    if (result == 0)
        *bits = rsa.bits;
    return result;
}

static EVP_PKEY *rsa_key(const struct rsa *rsa)
{
    OWNED(OSSL_PARAM_BLD) *builder = OSSL_PARAM_BLD_new();
    OWNED(BIGNUM) *n = BN_bin2bn(rsa->n.data, (int)rsa->n.size, NULL);
    OWNED(BIGNUM) *e = BN_bin2bn(rsa->e.data, (int)rsa->e.size, NULL);
    if (!builder || !n || !e || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return NULL;
    return public_key_from("RSA", builder);
}

static enum sp_verdict rsa_verify(const char *name, const char *digest, struct sp_span blob,
                                  struct sp_span signature, struct sp_span message)
{
    struct rsa rsa;
    struct sp_span inner;
    if (rsa_open(blob, &rsa) != 0 || signature_open(signature, name, &inner) != 0)
        return SP_VERDICT_BAD;
    if (inner.size == 0 || inner.size > rsa.n.size)
        return SP_VERDICT_BAD;
    /* RFC 8332 section 3 has the signature as wide as the modulus; some peers drop its leading zeros. */
    uint8_t padded[BITS_MAX / 8] = {0};
    memcpy(padded + rsa.n.size - inner.size, inner.data, inner.size);
    OWNED(EVP_PKEY) *key = rsa_key(&rsa);
    return signature_check(key, digest, sp_span_of(padded, rsa.n.size), message);
}

static int rsa_encode(const char *name, struct sp_span blob, struct sp_span raw, struct sp_out *signature)
{
    struct rsa rsa;
    if (rsa_open(blob, &rsa) != 0 || raw.size != rsa.n.size)
        return SP_E_MALFORMED;
    return signature_put(signature, name, raw);
}

static int rsa_prepare(void)
{
    return public_key_prepare("RSA", "RSA");
}

/* An operation of the ABI knows no algorithm but its own, so each has functions of its own to name it. */
#define RSA_KEYTYPE(symbol, name_, digest_, libcrypto_digest)                                                \
    static enum sp_verdict symbol##_verify(struct sp_span blob, struct sp_span signature,                    \
                                           struct sp_span message, struct sp_signature_facts *facts)         \
    {                                                                                                        \
        return rsa_verify(name_, libcrypto_digest, blob, signature, message);                                \
    }                                                                                                        \
    static int symbol##_encode(struct sp_span blob, struct sp_span raw, struct sp_out *signature)            \
    {                                                                                                        \
        return rsa_encode(name_, blob, raw, signature);                                                      \
    }                                                                                                        \
    const struct sp_keytype_ops keytype_##symbol = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, name_),                               \
        .blob_type = BLOB_TYPE,                                                                              \
        .digest = digest_,                                                                                   \
        .inspect = rsa_inspect,                                                                              \
        .verify = symbol##_verify,                                                                           \
        .encode = symbol##_encode,                                                                           \
        .prepare = rsa_prepare,                                                                              \
    }

RSA_KEYTYPE(rsa_sha2_256, "rsa-sha2-256", "sha256", "SHA256");
RSA_KEYTYPE(rsa_sha2_512, "rsa-sha2-512", "sha512", "SHA512");
