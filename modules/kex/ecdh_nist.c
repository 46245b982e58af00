/*
 * ecdh-sha2-nistp256, -nistp384 and -nistp521: the client's point comes from KEX_ECDH_INIT, ours goes into
 * the reply, K into the exchange hash as an mpint of the x coordinate. RFC 5656 section 4.
 */
#include "kex/ecdh_nist.h"

#include <sallyport/wire.h>

#include "common/curve.h"

/* State only for the cached generators; the worker has one thread. */
static struct agreement nist[CURVE_COUNT] = {
    [CURVE_P256] = {.type = "EC", .group = "prime256v1", .public_size = 65, .secret_size = 32},
    [CURVE_P384] = {.type = "EC", .group = "secp384r1", .public_size = 97, .secret_size = 48},
    [CURVE_P521] = {.type = "EC", .group = "secp521r1", .public_size = 133, .secret_size = 66},
};

struct agreement *ecdh_agreement(unsigned curve)
{
    return &nist[curve];
}

/* What a method's `own` points to: its curve. */
static const unsigned curve_numbers[CURVE_COUNT] = {CURVE_P256, CURVE_P384, CURVE_P521};

static unsigned curve_of(const struct sp_kex_info *info)
{
    return *(const unsigned *)info->own;
}

static int ecdh_check_publics(const struct sp_kex_info *self, struct sp_span group,
                              struct sp_span client_public, struct sp_span server_public)
{
    struct curve *curve = curve_at(curve_of(self));
    int result = curve_check_point(curve, client_public);
    return result != 0 ? result : curve_check_point(curve, server_public);
}

static int ecdh_respond(const struct sp_kex_ops *self, struct sp_span group, struct sp_span client_public,
                        struct sp_out *server_public, struct sp_out *secret)
{
    unsigned curve = curve_of(self->info);
    agreement_forget(server_public);
    agreement_forget(secret);
    int result = curve_check_point(curve_at(curve), client_public);
    return result != 0 ? result : agreement_respond(&nist[curve], client_public, server_public, secret);
}

static int ecdh_build(const struct sp_kex_info *self)
{
    return curve_build(curve_at(curve_of(self)));
}

static int ecdh_prepare(const struct sp_kex_ops *self)
{
    int result = ecdh_build(self->info);
    return result != 0 ? result : agreement_prepare(&nist[curve_of(self->info)]);
}

#define ECDH_METHOD(symbol, curve, bits_, name_, digest_)                                                    \
    const struct sp_kex_info kex_##symbol##_info = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, name_),                                      \
        .digest = digest_,                                                                                   \
        .public_field = SP_KEX_STRING,                                                                       \
        .secret_field = SP_KEX_MPINT,                                                                        \
        .secret_size = ((bits_) + 7) / 8,                                                                    \
        .own = &curve_numbers[curve],                                                                        \
        .check_publics = ecdh_check_publics,                                                                 \
        .prepare = ecdh_build,                                                                               \
    };                                                                                                       \
    const struct sp_kex_ops kex_##symbol = {                                                                 \
        .info = &kex_##symbol##_info,                                                                        \
        .respond = ecdh_respond,                                                                             \
        .prepare = ecdh_prepare,                                                                             \
    }

ECDH_METHOD(ecdh_sha2_nistp256, CURVE_P256, 256, "ecdh-sha2-nistp256", "sha256");
ECDH_METHOD(ecdh_sha2_nistp384, CURVE_P384, 384, "ecdh-sha2-nistp384", "sha384");
ECDH_METHOD(ecdh_sha2_nistp521, CURVE_P521, 521, "ecdh-sha2-nistp521", "sha512");
