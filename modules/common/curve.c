/*
 * NIST curves: points come from a peer's key exchange message or key blob; the answer is only whether they
 * may be used. RFC 5656 sections 3.1 and 4, SEC 1 section 3.2.2.1.
 */
#include "common/curve.h"

#include <openssl/obj_mac.h>

#include "common/owned.h"

#define POINT_UNCOMPRESSED 0x04

/*
 * The one state here: groups are constants of mathematics that libcrypto makes at run time. Programs that
 * link this have one thread, and a fork inherits them.
 */
static struct curve curves[CURVE_COUNT] = {
    [CURVE_P256] = {"nistp256", "prime256v1", NID_X9_62_prime256v1, 256, 32, NULL},
    [CURVE_P384] = {"nistp384", "secp384r1", NID_secp384r1, 384, 48, NULL},
    [CURVE_P521] = {"nistp521", "secp521r1", NID_secp521r1, 521, 66, NULL},
};

struct curve *curve_at(unsigned index)
{
    return &curves[index];
}

int curve_build(struct curve *curve)
{
    if (!curve->built)
        curve->built = EC_GROUP_new_by_curve_name(curve->nid);
    return curve->built ? 0 : crypto_failed();
}

int curve_check_point(struct curve *curve, struct sp_span point)
{
    /* RFC 5656 allows compressed points as an option; nobody sends them, so nobody may make us take square
     * roots. */
    if (point.size != 1 + 2 * (size_t)curve->field || point.data[0] != POINT_UNCOMPRESSED)
        return SP_E_MALFORMED;
    int result = curve_build(curve);
    if (result != 0)
        return result;
    OWNED(EC_POINT) *parsed = EC_POINT_new(curve->built);
    if (!parsed)
        return crypto_failed();
    /* Refuses coordinates not below the prime, and points that do not satisfy the curve's equation. */
    if (EC_POINT_oct2point(curve->built, parsed, point.data, point.size, NULL) != 1) {
        ERR_clear_error();
        return SP_E_REFUSED;
    }
    return 0;
}
