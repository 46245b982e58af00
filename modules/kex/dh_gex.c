/*
 * diffie-hellman-group-exchange-sha256: a client's sizes come from KEX_DH_GEX_REQUEST, the group goes into
 * KEX_DH_GEX_GROUP and, with the sizes, into the exchange hash; the rest is as with fixed groups. RFC 4419, RFC 8270.
 *
 * The groups are those of RFC 3526, never such as a file may name: their primes are known to be safe ones.
 */
#include <sallyport/wire.h>

#include "common/owned.h"
#include "kex/dh_groups.h"

#define PRIME_MAX (SP_KEX_GROUP_MAX - SP_KEX_SIZES_SIZE) /* octets of p, and more */

/* RFC 4419 section 3: "the smallest group it knows that is larger than the size the client requested", else the
 * largest within its bounds. */
static int group_choose(const struct sp_kex_sizes *sizes, unsigned bits_min, unsigned *group)
{
    if (sizes->min > sizes->preferred || sizes->preferred > sizes->max)
        return SP_E_MALFORMED;
    unsigned least = bits_min > SP_KEX_GROUP_BITS_MIN ? bits_min : SP_KEX_GROUP_BITS_MIN;
    unsigned found = DH_GROUP_COUNT;
    for (unsigned i = 0; i < DH_GROUP_COUNT; i++) {
        unsigned bits = dh_group_bits(i);
        if (bits < least || bits < sizes->min || bits > sizes->max)
            continue;
        found = i;
        if (bits >= sizes->preferred)
            break;
    }
    if (found == DH_GROUP_COUNT)
        return SP_E_REFUSED;
    *group = found;
    return 0;
}

static int group_put(const struct sp_kex_sizes *sizes, unsigned group, struct sp_out *out)
{
    static const uint8_t generator[] = {DH_GENERATOR};
    uint8_t bytes[PRIME_MAX];
    const BIGNUM *prime = dh_group_prime(group);
    if (!prime)
        return -ENOMEM;
    size_t size = (size_t)BN_bn2bin(prime, bytes);
    sp_put_u32(out, sizes->min);
    sp_put_u32(out, sizes->preferred);
    sp_put_u32(out, sizes->max);
    sp_put_mpint(out, sp_span_of(bytes, size));
    sp_put_mpint(out, sp_span_of(generator, sizeof generator));
    return sp_put_end(out);
}

static struct sp_kex_sizes sizes_get(struct sp_in *in)
{
    struct sp_kex_sizes sizes = {0};
    sizes.min = sp_get_u32(in);
    sizes.preferred = sp_get_u32(in);
    sizes.max = sp_get_u32(in);
    return sizes;
}

static int gex_choose_group(const struct sp_kex_ops *self, const struct sp_kex_sizes *sizes,
                            unsigned bits_min, struct sp_out *out)
{
    unsigned group;
    int result = group_choose(sizes, bits_min, &group);
    if (result == 0)
        result = group_put(sizes, group, out);
    if (result != 0)
        agreement_forget(out);
    return result;
}

/* The same choice again: whatever differs from it in an octet was not ours. */
static int gex_check_group(const struct sp_kex_info *self, struct sp_span said, unsigned bits_min)
{
    struct sp_in in = sp_in_of(said);
    struct sp_kex_sizes sizes = sizes_get(&in);
    if (in.bad)
        return SP_E_MALFORMED;
    uint8_t bytes[SP_KEX_GROUP_MAX];
    struct sp_out expected = {.data = bytes, .capacity = sizeof bytes};
    unsigned group;
    int result = group_choose(&sizes, bits_min, &group);
    if (result == 0)
        result = group_put(&sizes, group, &expected);
    if (result != 0)
        return result;
    return sp_span_equal(said, sp_written(&expected)) ? 0 : SP_E_REFUSED;
}

/* Which one `said`, which was checked, is: no two of them have primes of one size. */
static int group_find(struct sp_span said, unsigned *group)
{
    struct sp_in in = sp_in_of(said);
    (void)sizes_get(&in);
    struct sp_span prime = sp_get_mpint(&in, PRIME_MAX);
    for (unsigned i = 0; i < DH_GROUP_COUNT; i++)
        if (!in.bad && prime.size * 8 == dh_group_bits(i)) {
            *group = i;
            return 0;
        }
    return SP_E_MALFORMED;
}

static int gex_check_publics(const struct sp_kex_info *self, struct sp_span said,
                             struct sp_span client_public, struct sp_span server_public)
{
    unsigned group;
    int result = group_find(said, &group);
    if (result == 0)
        result = dh_group_check(group, client_public);
    return result != 0 ? result : dh_group_check(group, server_public);
}

static int gex_respond(const struct sp_kex_ops *self, struct sp_span said, struct sp_span client_public,
                       struct sp_out *server_public, struct sp_out *secret)
{
    unsigned group;
    agreement_forget(server_public);
    agreement_forget(secret);
    int result = group_find(said, &group);
    return result != 0 ? result : dh_group_respond(group, client_public, server_public, secret);
}

static int gex_build(const struct sp_kex_info *self)
{
    int result = 0;
    for (unsigned i = 0; result == 0 && i < DH_GROUP_COUNT; i++)
        result = dh_group_build(i);
    return result;
}

static int gex_prepare(const struct sp_kex_ops *self)
{
    int result = 0;
    for (unsigned i = 0; result == 0 && i < DH_GROUP_COUNT; i++)
        result = dh_group_prepare(i);
    return result;
}

const struct sp_kex_info kex_dh_gex_sha256_info = {
    .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, "diffie-hellman-group-exchange-sha256"),
    .digest = "sha256",
    .public_field = SP_KEX_MPINT,
    .secret_field = SP_KEX_MPINT,
    .secret_size = SP_KEX_SECRET_MAX,
    .check_group = gex_check_group,
    .check_publics = gex_check_publics,
    .prepare = gex_build,
};

const struct sp_kex_ops kex_dh_gex_sha256 = {
    .info = &kex_dh_gex_sha256_info,
    .choose_group = gex_choose_group,
    .respond = gex_respond,
    .prepare = gex_prepare,
};
