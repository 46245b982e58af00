/*
 * sntrup761x25519-sha512 and its older name: Streamlined NTRU Prime 761 and X25519. RFC 9941. The descriptions; their
 * operations have a file of their own (sntrup761x25519_ops.c), so that the signer does not load their library.
 */
#include "kex/sntrup761.h"

static const struct hybrid_shape shape = {
    .key_size = SNTRUP761_EK_SIZE,
    .ciphertext_size = SNTRUP761_CT_SIZE,
    .curve = HYBRID_X25519,
};

/* The signer asks too and could not find out for itself, so the build says what the worker was built with. */
static bool sntrup761_available(void)
{
    return SALLYPORT_HAS_SNTRUP761;
}

#define SNTRUP761_METHOD(symbol, name_)                                                                      \
    const struct sp_kex_info kex_##symbol##_info = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, name_),                                      \
        .digest = "sha512",                                                                                  \
        .public_field = SP_KEX_STRING,                                                                       \
        .secret_field = SP_KEX_STRING,                                                                       \
        .secret_size = 64,                                                                                   \
        .post_quantum = true,                                                                                \
        .own = &shape,                                                                                       \
        .available = sntrup761_available,                                                                    \
        .check_publics = hybrid_check_publics,                                                               \
        .prepare = hybrid_build,                                                                             \
    }

SNTRUP761_METHOD(sntrup761x25519_sha512, "sntrup761x25519-sha512");
SNTRUP761_METHOD(sntrup761x25519_sha512_openssh, "sntrup761x25519-sha512@openssh.com");
