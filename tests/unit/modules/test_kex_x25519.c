/*
 * X25519 below and within curve25519-sha256: the vectors of RFC 7748 sections 5.2 and 6.1, and the values that must be
 * refused.
 */
#include "kex_harness.h"

#include "kex/curve25519.h"

struct x25519_vector {
    const char *scalar;
    const char *point;
    const char *expected;
};

static const struct x25519_vector x25519_vectors[] = {
    {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
    {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
};

static int x25519(const uint8_t scalar[32], struct sp_span point, uint8_t secret[32])
{
    OWNED(EVP_PKEY) *own = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, scalar, 32);
    assert_non_null(own);
    return agreement_derive(x25519_agreement(), own, point, secret);
}

static void x25519_agrees_with_rfc_7748(void **unused)
{
    for (size_t i = 0; i < COUNT(x25519_vectors); i++) {
        struct hex scalar = hex_of(x25519_vectors[i].scalar), point = hex_of(x25519_vectors[i].point);
        struct hex expected = hex_of(x25519_vectors[i].expected);
        uint8_t secret[32];
        assert_int_equal(x25519(scalar.data, hex_span(&point), secret), 0);
        assert_memory_equal(secret, expected.data, sizeof secret);
    }
}

static void x25519_agrees_with_rfc_7748_after_1000_rounds(void **unused)
{
    struct hex once = hex_of("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    struct hex often = hex_of("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
    uint8_t k[32] = {9}, u[32] = {9}, next[32];
    for (int round = 1; round <= 1000; round++) {
        assert_int_equal(x25519(k, sp_span_of(u, 32), next), 0);
        memcpy(u, k, sizeof u);
        memcpy(k, next, sizeof k);
        if (round == 1)
            assert_memory_equal(k, once.data, sizeof k);
    }
    assert_memory_equal(k, often.data, sizeof k);
}

static void x25519_refuses_small_order(void **unused)
{
    struct hex good = hex_of(x25519_vectors[0].point);
    for (size_t i = 0; i < COUNT(small_order); i++) {
        struct hex point = hex_of(small_order[i]);
        assert_refused("curve25519-sha256", hex_span(&point), hex_span(&good), SP_E_REFUSED);
        point.data[31] ^= 0x80; /* the bit that a receiver ignores */
        assert_refused("curve25519-sha256@libssh.org", hex_span(&point), hex_span(&good), SP_E_REFUSED);
    }
}

static void x25519_of_small_order_gives_no_secret(void **unused)
{
    for (size_t i = 0; i < COUNT(small_order); i++) {
        struct hex scalar = hex_of(x25519_vectors[0].scalar), point = hex_of(small_order[i]);
        uint8_t secret[32], zeros[32] = {0};
        memset(secret, 0xff, sizeof secret);
        assert_int_not_equal(x25519(scalar.data, hex_span(&point), secret), 0);
        assert_memory_equal(secret, zeros, sizeof secret);
    }
}

static void x25519_refuses_other_lengths(void **unused)
{
    const uint8_t point[34] = {9};
    struct sp_span good = sp_span_of(point, 32);
    const size_t sizes[] = {0, 1, 31, 33, 34};
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_refused("curve25519-sha256", sp_span_of(point, sizes[i]), good, SP_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x25519_agrees_with_rfc_7748),
        cmocka_unit_test(x25519_agrees_with_rfc_7748_after_1000_rounds),
        cmocka_unit_test(x25519_refuses_small_order),
        cmocka_unit_test(x25519_of_small_order_gives_no_secret),
        cmocka_unit_test(x25519_refuses_other_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
