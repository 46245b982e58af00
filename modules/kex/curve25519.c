/*
 * curve25519-sha256 and its older name: the client's point comes from KEX_ECDH_INIT, ours goes into the
 * reply, K into the exchange hash as an mpint of the 32 octets read big-endian. RFC 8731, RFC 7748.
 */
#include "kex/curve25519.h"

#include <sallyport/wire.h>

/*
 * Every 255-bit value that is a point of order 1, 2, 4 or 8 on the curve or its twist, little-endian: 0, 1,
 * the two of order 8, p-1, and p and p+1, which are 0 and 1 again unreduced (RFC 7748 section 6.1 has the
 * receiver look for their zero result; the signer never sees a secret key and must know them by sight).
 */
static const uint8_t small_order[][X25519_SIZE] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

/* State only for its cached generator; the worker has one thread. */
static struct agreement x25519 = {.type = "X25519", .public_size = X25519_SIZE, .secret_size = X25519_SIZE};

struct agreement *x25519_agreement(void)
{
    return &x25519;
}

int x25519_check(struct sp_span public_value)
{
    if (public_value.size != X25519_SIZE)
        return SP_E_MALFORMED;
    uint8_t masked[X25519_SIZE];
    memcpy(masked, public_value.data, sizeof masked);
    masked[X25519_SIZE - 1] &= 0x7f; /* RFC 7748 section 5: the receiver ignores the top bit */
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++)
        if (memcmp(masked, small_order[i], sizeof masked) == 0)
            return SP_E_REFUSED;
    return 0;
}

static int curve25519_check_publics(const struct sp_kex_info *self, struct sp_span group,
                                    struct sp_span client_public, struct sp_span server_public)
{
    int result = x25519_check(client_public);
    return result != 0 ? result : x25519_check(server_public);
}

static int curve25519_respond(const struct sp_kex_ops *self, struct sp_span group,
                              struct sp_span client_public, struct sp_out *server_public,
                              struct sp_out *secret)
{
    agreement_forget(server_public);
    agreement_forget(secret);
    int result = x25519_check(client_public);
    return result != 0 ? result : agreement_respond(&x25519, client_public, server_public, secret);
}

static int curve25519_prepare(const struct sp_kex_ops *self)
{
    return agreement_prepare(&x25519);
}

#define CURVE25519_METHOD(symbol, name_)                                                                     \
    const struct sp_kex_info kex_##symbol##_info = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, name_),                                      \
        .digest = "sha256",                                                                                  \
        .public_field = SP_KEX_STRING,                                                                       \
        .secret_field = SP_KEX_MPINT,                                                                        \
        .secret_size = X25519_SIZE,                                                                          \
        .check_publics = curve25519_check_publics,                                                           \
    };                                                                                                       \
    const struct sp_kex_ops kex_##symbol = {                                                                 \
        .info = &kex_##symbol##_info,                                                                        \
        .respond = curve25519_respond,                                                                       \
        .prepare = curve25519_prepare,                                                                       \
    }

CURVE25519_METHOD(curve25519_sha256, "curve25519-sha256");
CURVE25519_METHOD(curve25519_sha256_libssh, "curve25519-sha256@libssh.org");
