/*
 * ecdsa-sha2-nistp256, -nistp384 and -nistp521: blobs and signatures come from a user's request, an
 * authorized_keys file or our token. RFC 5656 section 3.
 */
#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#include "common/curve.h"
#include "common/owned.h"
#include "keytype/ecdsa.h"
#include "keytype/signature.h"

struct algorithm {
    const char *name;
    const char *digest; /* libcrypto's name; RFC 5656 section 6.2.1 ties it to the curve's size */
    unsigned curve;
};

static const struct algorithm algorithms[CURVE_COUNT] = {
    [CURVE_P256] = {"ecdsa-sha2-nistp256", "SHA256", CURVE_P256},
    [CURVE_P384] = {"ecdsa-sha2-nistp384", "SHA384", CURVE_P384},
    [CURVE_P521] = {"ecdsa-sha2-nistp521", "SHA512", CURVE_P521},
};

/* 0, SP_E_MALFORMED, SP_E_REFUSED (no point of the curve), or a negative errno. */
static int ecdsa_open(const struct algorithm *algorithm, struct sp_span blob, struct sp_span *point)
{
    struct curve *curve = curve_at(algorithm->curve);
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, 64);
    struct sp_span identifier = sp_get_text(&in, 64); /* RFC 5656 section 3.1: [identifier] */
    struct sp_span q = sp_get_string(&in, CURVE_POINT_MAX);
    if (sp_get_end(&in) != 0 || !sp_span_is(type, algorithm->name) ||
        !sp_span_is(identifier, curve->ssh_name))
        return SP_E_MALFORMED;
    int result = curve_check_point(curve, q);
    if (result == 0)
        *point = q;
    return result;
}

static int ecdsa_inspect(const struct algorithm *algorithm, struct sp_span blob, unsigned *bits)
{
    struct sp_span point;
    int result = ecdsa_open(algorithm, blob, &point);
    if (result == 0)
        *bits = curve_at(algorithm->curve)->bits;
    return result;
}

static EVP_PKEY *ecdsa_key(const struct curve *curve, struct sp_span point)
{
    OWNED(OSSL_PARAM_BLD) *builder = OSSL_PARAM_BLD_new();
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.size) != 1)
        return NULL;
    return public_key_from("EC", builder);
}

/*
 * The same two numbers in the form libcrypto takes, DER; its size, or 0. `room` has space for two numbers of
 * a field's width and their headers.
 */
static size_t der_put(struct sp_span r, struct sp_span s, uint8_t *room, size_t capacity)
{
    OWNED(ECDSA_SIG) *pair = ECDSA_SIG_new();
    BIGNUM *first = BN_bin2bn(r.data, (int)r.size, NULL), *second = BN_bin2bn(s.data, (int)s.size, NULL);
    if (!pair || !first || !second || ECDSA_SIG_set0(pair, first, second) != 1) {
        BN_free(first);
        BN_free(second);
        return 0;
    }
    int size = i2d_ECDSA_SIG(pair, NULL);
    if (size <= 0 || (size_t)size > capacity)
        return 0;
    return (size_t)i2d_ECDSA_SIG(pair, &room);
}

/* RFC 5656 section 3.1.2: mpint r, mpint s; both in shortest form, positive, and no wider than the group's
 * order. */
static int ecdsa_numbers(const struct curve *curve, struct sp_span inner, struct sp_span *r,
                         struct sp_span *s)
{
    struct sp_in in = sp_in_of(inner);
    struct sp_span first = sp_get_mpint(&in, curve->field);
    struct sp_span second = sp_get_mpint(&in, curve->field);
    if (sp_get_end(&in) != 0 || first.size == 0 || second.size == 0)
        return SP_E_MALFORMED;
    *r = first;
    *s = second;
    return 0;
}

enum sp_verdict ecdsa_check(const struct curve *curve, struct sp_span point, struct sp_span inner,
                            const char *digest, struct sp_span message)
{
    struct sp_span r, s;
    if (ecdsa_numbers(curve, inner, &r, &s) != 0)
        return SP_VERDICT_BAD;
    uint8_t der[2 * CURVE_FIELD_MAX + 16];
    size_t size = der_put(r, s, der, sizeof der);
    if (size == 0)
        return SP_VERDICT_BAD;
    OWNED(EVP_PKEY) *key = ecdsa_key(curve, point);
    return signature_check(key, digest, sp_span_of(der, size), message);
}

static enum sp_verdict ecdsa_verify(const struct algorithm *algorithm, struct sp_span blob,
                                    struct sp_span signature, struct sp_span message)
{
    struct sp_span point, inner;
    if (ecdsa_open(algorithm, blob, &point) != 0 || signature_open(signature, algorithm->name, &inner) != 0)
        return SP_VERDICT_BAD;
    return ecdsa_check(curve_at(algorithm->curve), point, inner, algorithm->digest, message);
}

static bool is_zero(struct sp_span number)
{
    for (size_t i = 0; i < number.size; i++)
        if (number.data[i] != 0)
            return false;
    return true;
}

static int ecdsa_encode(const struct algorithm *algorithm, struct sp_span blob, struct sp_span raw,
                        struct sp_out *signature)
{
    size_t field = curve_at(algorithm->curve)->field;
    struct sp_span point;
    if (ecdsa_open(algorithm, blob, &point) != 0 || raw.size != 2 * field)
        return SP_E_MALFORMED;
    struct sp_span r = sp_span_of(raw.data, field), s = sp_span_of(raw.data + field, field);
    if (is_zero(r) || is_zero(s))
        return SP_E_MALFORMED;
    uint8_t room[2 * (4 + 1 + CURVE_FIELD_MAX)];
    struct sp_out inner = {.data = room, .capacity = sizeof room};
    sp_put_mpint(&inner, r);
    sp_put_mpint(&inner, s);
    int result = sp_put_end(&inner);
    return result != 0 ? result : signature_put(signature, algorithm->name, sp_written(&inner));
}

static int ecdsa_prepare(const struct algorithm *algorithm)
{
    int result = curve_build(curve_at(algorithm->curve));
    return result != 0 ? result : public_key_prepare("EC", "ECDSA");
}

/* An operation of the ABI knows no algorithm but its own, so each has functions of its own to name its row.
 */
#define ECDSA_KEYTYPE(symbol, row, name_, digest_)                                                           \
    static int symbol##_inspect(struct sp_span blob, unsigned *bits)                                         \
    {                                                                                                        \
        return ecdsa_inspect(&algorithms[row], blob, bits);                                                  \
    }                                                                                                        \
    static enum sp_verdict symbol##_verify(struct sp_span blob, struct sp_span signature,                    \
                                           struct sp_span message, struct sp_signature_facts *facts)         \
    {                                                                                                        \
        return ecdsa_verify(&algorithms[row], blob, signature, message);                                     \
    }                                                                                                        \
    static int symbol##_encode(struct sp_span blob, struct sp_span raw, struct sp_out *signature)            \
    {                                                                                                        \
        return ecdsa_encode(&algorithms[row], blob, raw, signature);                                         \
    }                                                                                                        \
    static int symbol##_prepare(void)                                                                        \
    {                                                                                                        \
        return ecdsa_prepare(&algorithms[row]);                                                              \
    }                                                                                                        \
    const struct sp_keytype_ops keytype_##symbol = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, name_),                               \
        .blob_type = name_,                                                                                  \
        .digest = digest_,                                                                                   \
        .inspect = symbol##_inspect,                                                                         \
        .verify = symbol##_verify,                                                                           \
        .encode = symbol##_encode,                                                                           \
        .prepare = symbol##_prepare,                                                                         \
    }

ECDSA_KEYTYPE(ecdsa_sha2_nistp256, CURVE_P256, "ecdsa-sha2-nistp256", "sha256");
ECDSA_KEYTYPE(ecdsa_sha2_nistp384, CURVE_P384, "ecdsa-sha2-nistp384", "sha384");
ECDSA_KEYTYPE(ecdsa_sha2_nistp521, CURVE_P521, "ecdsa-sha2-nistp521", "sha512");
