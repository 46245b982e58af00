/*
 * diffie-hellman-group14-sha256, and group15- to group18-sha512: e comes from KEXDH_INIT, f goes into the
 * reply, K into the exchange hash, all mpints. RFC 4253 section 8, RFC 8268, RFC 3526.
 */
#include "kex/dh_groups.h"

#include <sallyport/wire.h>

#include "common/owned.h"

struct dh_group {
    BIGNUM *(*make_prime)(BIGNUM *out);
    BIGNUM *prime;      /* made at the first use */
    BIGNUM *prime_less; /* p-1 */
};

/* State only for what is made once: the primes here, the generators below. Who links this has one thread. */
static struct dh_group groups[DH_GROUP_COUNT] = {
    [DH_GROUP14] = {.make_prime = BN_get_rfc3526_prime_2048},
    [DH_GROUP15] = {.make_prime = BN_get_rfc3526_prime_3072},
    [DH_GROUP16] = {.make_prime = BN_get_rfc3526_prime_4096},
    [DH_GROUP17] = {.make_prime = BN_get_rfc3526_prime_6144},
    [DH_GROUP18] = {.make_prime = BN_get_rfc3526_prime_8192},
};

/*
 * private_bits: a fresh exponent of at least twice the strength of the group (RFC 4253 section 8; strengths
 * by SP 800-56B: 112, 128, 152, 176 and 200 bits). More would cost time and gain nothing.
 */
static struct agreement agreements[DH_GROUP_COUNT] = {
    [DH_GROUP14] =
        {.type = "DH", .group = "modp_2048", .private_bits = 256, .public_size = 256, .secret_size = 256},
    [DH_GROUP15] =
        {.type = "DH", .group = "modp_3072", .private_bits = 320, .public_size = 384, .secret_size = 384},
    [DH_GROUP16] =
        {.type = "DH", .group = "modp_4096", .private_bits = 384, .public_size = 512, .secret_size = 512},
    [DH_GROUP17] =
        {.type = "DH", .group = "modp_6144", .private_bits = 448, .public_size = 768, .secret_size = 768},
    [DH_GROUP18] =
        {.type = "DH", .group = "modp_8192", .private_bits = 512, .public_size = 1024, .secret_size = 1024},
};

struct agreement *dh_group_agreement(unsigned group)
{
    return &agreements[group];
}

unsigned dh_group_bits(unsigned group)
{
    return (unsigned)agreements[group].public_size * 8;
}

int dh_group_build(unsigned index)
{
    struct dh_group *group = &groups[index];
    if (group->prime_less)
        return 0;
    BIGNUM *prime = group->make_prime(NULL);
    BIGNUM *prime_less = prime ? BN_dup(prime) : NULL;
    if (!prime_less || BN_sub_word(prime_less, 1) != 1) {
        BN_free(prime);
        BN_free(prime_less);
        return crypto_failed();
    }
    group->prime = prime;
    group->prime_less = prime_less;
    return 0;
}

const BIGNUM *dh_group_prime(unsigned index)
{
    return dh_group_build(index) == 0 ? groups[index].prime : NULL;
}

int dh_group_check(unsigned index, struct sp_span value)
{
    if (value.size > agreements[index].public_size)
        return SP_E_MALFORMED;
    int result = dh_group_build(index);
    if (result != 0)
        return result;
    OWNED(BIGNUM) *number = BN_bin2bn(value.data, (int)value.size, NULL);
    if (!number)
        return crypto_failed();
    return BN_cmp(number, BN_value_one()) > 0 && BN_cmp(number, groups[index].prime_less) < 0 ? 0
                                                                                              : SP_E_REFUSED;
}

/* A magnitude without its leading zeros, as the mpint will carry it. */
static void strip_zeros(struct sp_out *magnitude)
{
    size_t zeros = 0;
    while (zeros < magnitude->size && magnitude->data[zeros] == 0)
        zeros++;
    if (zeros == 0)
        return;
    magnitude->size -= zeros;
    memmove(magnitude->data, magnitude->data + zeros, magnitude->size);
}

int dh_group_respond(unsigned group, struct sp_span client_public, struct sp_out *server_public,
                     struct sp_out *secret)
{
    agreement_forget(server_public);
    agreement_forget(secret);
    int result = dh_group_check(group, client_public);
    if (result != 0)
        return result;
    /* libcrypto wants the value as wide as the prime. */
    uint8_t padded[SP_KEX_PUBLIC_MAX] = {0};
    size_t width = agreements[group].public_size;
    memcpy(padded + width - client_public.size, client_public.data, client_public.size);
    result = agreement_respond(&agreements[group], sp_span_of(padded, width), server_public, secret);
    if (result == 0)
        strip_zeros(server_public);
    return result;
}

int dh_group_prepare(unsigned group)
{
    int result = dh_group_build(group);
    return result != 0 ? result : agreement_prepare(&agreements[group]);
}

/* What a method's `own` points to: its group. */
static const unsigned group_numbers[DH_GROUP_COUNT] = {DH_GROUP14, DH_GROUP15, DH_GROUP16, DH_GROUP17,
                                                       DH_GROUP18};

static unsigned group_of(const struct sp_kex_info *info)
{
    return *(const unsigned *)info->own;
}

static int dh_check_publics(const struct sp_kex_info *self, struct sp_span group,
                            struct sp_span client_public, struct sp_span server_public)
{
    int result = dh_group_check(group_of(self), client_public);
    return result != 0 ? result : dh_group_check(group_of(self), server_public);
}

static int dh_respond(const struct sp_kex_ops *self, struct sp_span group, struct sp_span client_public,
                      struct sp_out *server_public, struct sp_out *secret)
{
    return dh_group_respond(group_of(self->info), client_public, server_public, secret);
}

static int dh_build(const struct sp_kex_info *self)
{
    return dh_group_build(group_of(self));
}

static int dh_prepare(const struct sp_kex_ops *self)
{
    return dh_group_prepare(group_of(self->info));
}

#define DH_METHOD(symbol, group, bits_, name_, digest_)                                                      \
    const struct sp_kex_info kex_##symbol##_info = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, name_),                                      \
        .digest = digest_,                                                                                   \
        .public_field = SP_KEX_MPINT,                                                                        \
        .secret_field = SP_KEX_MPINT,                                                                        \
        .secret_size = (bits_) / 8,                                                                          \
        .own = &group_numbers[group],                                                                        \
        .check_publics = dh_check_publics,                                                                   \
        .prepare = dh_build,                                                                                 \
    };                                                                                                       \
    const struct sp_kex_ops kex_##symbol = {                                                                 \
        .info = &kex_##symbol##_info,                                                                        \
        .respond = dh_respond,                                                                               \
        .prepare = dh_prepare,                                                                               \
    }

DH_METHOD(dh_group14_sha256, DH_GROUP14, 2048, "diffie-hellman-group14-sha256", "sha256");
DH_METHOD(dh_group15_sha512, DH_GROUP15, 3072, "diffie-hellman-group15-sha512", "sha512");
DH_METHOD(dh_group16_sha512, DH_GROUP16, 4096, "diffie-hellman-group16-sha512", "sha512");
DH_METHOD(dh_group17_sha512, DH_GROUP17, 6144, "diffie-hellman-group17-sha512", "sha512");
DH_METHOD(dh_group18_sha512, DH_GROUP18, 8192, "diffie-hellman-group18-sha512", "sha512");
