/*
 * diffie-hellman-group*: the primes of RFC 3526 computed from their formula, the values that must be refused, the length
 * of our exponents, and a client's half by RFC 4253 section 8.
 */
#include <stdlib.h>

#include "kex_harness.h"

#include "kex/dh_groups.h"

struct modp {
    const char *method;
    int bits;
    unsigned long addend; /* inside the bracket, RFC 3526 sections 3 to 7 */
    int strength;
};

static const struct modp modps[] = {
    [DH_GROUP14] = {"diffie-hellman-group14-sha256", 2048, 124476, 112},
    [DH_GROUP15] = {"diffie-hellman-group15-sha512", 3072, 1690314, 128},
    [DH_GROUP16] = {"diffie-hellman-group16-sha512", 4096, 240904, 152},
    [DH_GROUP17] = {"diffie-hellman-group17-sha512", 6144, 929484, 176},
    [DH_GROUP18] = {"diffie-hellman-group18-sha512", 8192, 4743158, 200},
};

/* Adds factor * atan(1/x) * 2^scale to sum (subtracts it, if factor is negative), by its power series. */
static void add_arctan(BIGNUM *sum, int factor, BN_ULONG x, int scale)
{
    OWNED(BIGNUM) *power = BN_new();
    OWNED(BIGNUM) *term = BN_new();
    BN_set_word(power, (BN_ULONG)abs(factor));
    BN_lshift(power, power, scale);
    BN_div_word(power, x);
    bool negative = factor < 0;
    for (BN_ULONG k = 1; !BN_is_zero(power); k += 2, negative = !negative) {
        assert_non_null(BN_copy(term, power));
        BN_div_word(term, k);
        assert_int_equal(negative ? BN_sub(sum, sum, term) : BN_add(sum, sum, term), 1);
        BN_div_word(power, x * x);
    }
}

/* floor(2^bits * pi), by Machin's formula: pi = 16 atan(1/5) - 4 atan(1/239). */
static BIGNUM *scaled_pi(int bits)
{
    enum { GUARD = 64 }; /* the series' rounding stays far below this */
    BIGNUM *pi = BN_new();
    BN_zero(pi);
    add_arctan(pi, 16, 5, bits + GUARD);
    add_arctan(pi, -4, 239, bits + GUARD);
    BN_rshift(pi, pi, GUARD);
    return pi;
}

/* 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + addend) */
static void dh_primes_follow_the_formula_of_rfc_3526(void **unused)
{
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        int n = modps[group].bits;
        OWNED(BIGNUM) *prime = scaled_pi(n - 130);
        OWNED(BIGNUM) *power = BN_new();
        BN_add_word(prime, modps[group].addend);
        BN_lshift(prime, prime, 64);
        BN_zero(power);
        BN_set_bit(power, n);
        BN_add(prime, prime, power);
        BN_zero(power);
        BN_set_bit(power, n - 64);
        BN_sub(prime, prime, power);
        BN_sub_word(prime, 1);
        assert_non_null(dh_group_prime(group));
        assert_int_equal(BN_cmp(prime, dh_group_prime(group)), 0);
    }
}

/*
 * p = 2q + 1 with q prime: then the powers of 2 have no small subgroup to leak an exponent into (RFC 4419 section 6.1).
 * q by Miller-Rabin with random bases; q = 3 mod 4, so that one power of each base is the whole test. p by Pocklington: q
 * is a prime factor of p-1 above its root, 2^(p-1) = 1 mod p, and gcd(2^2 - 1, p) = 1.
 */
static void dh_primes_are_safe(void **unused)
{
    enum { BASES = 8 };
    BN_CTX *context = BN_CTX_new();
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        const BIGNUM *p = dh_group_prime(group);
        OWNED(BIGNUM) *q = BN_dup(p);
        OWNED(BIGNUM) *less = BN_dup(p);
        OWNED(BIGNUM) *half = BN_new();
        OWNED(BIGNUM) *power = BN_new();
        BN_rshift1(q, q);
        BN_rshift1(half, q);
        assert_int_equal(BN_mod_word(q, 4), 3);
        for (int i = 0; i < BASES; i++) {
            assert_int_equal(BN_rand_range(power, q), 1);
            assert_int_equal(BN_mod_exp(power, power, half, q, context), 1);
            BN_sub(less, q, power);
            assert_true(BN_is_one(power) || BN_is_one(less));
        }
        BN_set_word(power, DH_GENERATOR);
        BN_sub(less, p, BN_value_one());
        assert_int_equal(BN_mod_exp(power, power, less, p, context), 1);
        assert_true(BN_is_one(power));
        assert_int_not_equal(BN_mod_word(p, 3), 0);
    }
    BN_CTX_free(context);
}

/* p + difference as a magnitude. */
static struct hex near_prime(unsigned group, int difference)
{
    struct hex hex = {0};
    OWNED(BIGNUM) *number = BN_dup(dh_group_prime(group));
    if (difference < 0)
        BN_sub_word(number, (BN_ULONG)-difference);
    else
        BN_add_word(number, (BN_ULONG)difference);
    hex.size = (size_t)BN_bn2bin(number, hex.data);
    return hex;
}

static void dh_refuses_degenerate_values(void **unused)
{
    struct hex good = hex_of("1234");
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        const char *method = modps[group].method;
        struct hex zero = hex_of("00"), one = hex_of("01"), padded = hex_of("00000001");
        assert_refused(method, (struct sp_span){0}, hex_span(&good), SP_E_REFUSED);
        assert_refused(method, hex_span(&zero), hex_span(&good), SP_E_REFUSED);
        assert_refused(method, hex_span(&one), hex_span(&good), SP_E_REFUSED);
        assert_refused(method, hex_span(&padded), hex_span(&good), SP_E_REFUSED);
        for (int difference = -1; difference <= 2; difference++) {
            struct hex value = near_prime(group, difference);
            assert_refused(method, hex_span(&value), hex_span(&good), SP_E_REFUSED);
        }
    }
}

static void dh_accepts_the_ends_of_the_range(void **unused)
{
    struct answer answer;
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        struct hex low = hex_of("02"), high = near_prime(group, -2);
        assert_int_equal(check(modps[group].method, hex_span(&low), hex_span(&high)), 0);
        assert_int_equal(check(modps[group].method, hex_span(&high), hex_span(&low)), 0);
        assert_int_equal(ask(modps[group].method, hex_span(&low), &answer), 0);
        assert_int_equal(ask(modps[group].method, hex_span(&high), &answer), 0);
    }
}

static void dh_refuses_values_wider_than_the_group(void **unused)
{
    struct hex good = hex_of("1234");
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        struct hex wide = {.size = (size_t)modps[group].bits / 8 + 1};
        wide.data[0] = 1;
        assert_refused(modps[group].method, hex_span(&wide), hex_span(&good), SP_E_MALFORMED);
    }
}

static void dh_exponents_are_twice_the_strength_and_fresh(void **unused)
{
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        OWNED(EVP_PKEY) *one = NULL;
        OWNED(EVP_PKEY) *other = NULL;
        OWNED(BIGNUM) *first = NULL;
        OWNED(BIGNUM) *second = NULL;
        assert_int_equal(agreement_generate(dh_group_agreement(group), &one), 0);
        assert_int_equal(agreement_generate(dh_group_agreement(group), &other), 0);
        assert_int_equal(EVP_PKEY_get_bn_param(one, OSSL_PKEY_PARAM_PRIV_KEY, &first), 1);
        assert_int_equal(EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_PRIV_KEY, &second), 1);
        assert_int_not_equal(BN_cmp(first, second), 0);
        int asked = (int)dh_group_agreement(group)->private_bits;
        assert_true(asked >= 2 * modps[group].strength);
        /* 64 leading zeros by chance: once in 2^64 runs */
        assert_in_range(BN_num_bits(first), asked - 64, asked);
    }
}

/* The client of RFC 4253 section 8 in its own words: e = g^x mod p, K = f^x mod p. */
static void both_sides_agree_in_modp_groups(void **unused)
{
    BN_CTX *context = BN_CTX_new();
    for (unsigned group = 0; group < DH_GROUP_COUNT; group++) {
        struct answer answer;
        struct hex e = {0}, k = {0};
        OWNED(BIGNUM) *x = BN_new();
        OWNED(BIGNUM) *number = BN_new();
        BN_rand(x, 400, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        BN_set_word(number, 2);
        BN_mod_exp(number, number, x, dh_group_prime(group), context);
        e.size = (size_t)BN_bn2bin(number, e.data);
        assert_int_equal(ask(modps[group].method, hex_span(&e), &answer), 0);
        assert_int_equal(check(modps[group].method, hex_span(&e), sp_written(&answer.server_public)), 0);
        BN_bin2bn(answer.server_public.data, (int)answer.server_public.size, number);
        BN_mod_exp(number, number, x, dh_group_prime(group), context);
        k.size = (size_t)BN_bn2binpad(number, k.data, modps[group].bits / 8);
        assert_true(sp_span_equal(sp_written(&answer.secret), hex_span(&k)));
    }
    BN_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dh_primes_follow_the_formula_of_rfc_3526),
        cmocka_unit_test(dh_primes_are_safe),
        cmocka_unit_test(dh_refuses_degenerate_values),
        cmocka_unit_test(dh_accepts_the_ends_of_the_range),
        cmocka_unit_test(dh_refuses_values_wider_than_the_group),
        cmocka_unit_test(dh_exponents_are_twice_the_strength_and_fresh),
        cmocka_unit_test(both_sides_agree_in_modp_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
