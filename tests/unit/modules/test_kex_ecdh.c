/*
 * ecdh-sha2-nistp*: vectors of NIST CAVS 14.1, "ECC CDH Primitive (SP800-56A Section 5.7.1.2)", and the points that must
 * be refused.
 */
#include "kex_harness.h"

#include "common/curve.h"
#include "kex/agreement.h"

struct cdh_vector {
    unsigned curve;
    const char *peer;
    const char *own;
    const char *expected;
};

static const struct cdh_vector cdh_vectors[] = {
    {
        CURVE_P256, /* COUNT = 0 */
        "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20"
        "ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
        "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
        "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
    },
    {
        CURVE_P256, /* COUNT = 1 */
        "04809f04289c64348c01515eb03d5ce7ac1a8cb9498f5caa50197e58d43a86a7aeb29d84e811197f25eba8f5"
        "194092cb6ff440e26d4421011372461f579271cda3",
        "38f65d6dce47676044d58ce5139582d568f64bb16098d179dbab07741dd5caf5",
        "057d636096cb80b67a8c038c890e887d1adfa4195e9b3ce241c8a778c59cda67",
    },
    {
        CURVE_P256, /* COUNT = 2 */
        "04a2339c12d4a03c33546de533268b4ad667debf458b464d77443636440ee7fec3ef48a3ab26e20220bcda2c"
        "1851076839dae88eae962869a497bf73cb66faf536",
        "1accfaf1b97712b85a6f54b148985a1bdc4c9bec0bd258cad4b3d603f49f32c8",
        "2d457b78b4614132477618a5b077965ec90730a8c81a1c75d6d4ec68005d67ec",
    },
    {
        CURVE_P384, /* COUNT = 0 */
        "04a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272734466b400091adbf2d68c"
        "58e0c50066ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915ed0905a32b06099"
        "2b468c64766fc8437a",
        "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774ad463b205da88cf699ab4d43"
        "c9cf98a1",
        "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457e5621e766c40a2e3d4d6a04b"
        "25e533f1",
    },
    {
        CURVE_P384, /* COUNT = 1 */
        "0430f43fcf2b6b00de53f624f1543090681839717d53c7c955d1d69efaf0349b7363acb447240101cbb3af66"
        "41ce4b88e025e46c0c54f0162a77efcc27b6ea792002ae2ba82714299c860857a68153ab62e525ec0530d81b"
        "5aa15897981e858757",
        "92860c21bde06165f8e900c687f8ef0a05d14f290b3f07d8b3a8cc6404366e5d5119cd6d03fb12dc58e89f13"
        "df9cd783",
        "a23742a2c267d7425fda94b93f93bbcc24791ac51cd8fd501a238d40812f4cbfc59aac9520d758cf789c7630"
        "0c69d2ff",
    },
    {
        CURVE_P521, /* COUNT = 0 */
        "0400685a48e86c79f0f0875f7bc18d25eb5fc8c0b07e5da4f4370f3a9490340854334b1e1b87fa395464c606"
        "26124a4e70d0f785601d37c09870ebf176666877a2046d01ba52c56fc8776d9e8f5db4f0cc27636d0b741bbe"
        "05400697942e80b739884a83bde99e0f6716939e632bc8986fa18dccd443a348b6c3e522497955a4f3c302f6"
        "76",
        "017eecc07ab4b329068fba65e56a1f8890aa935e57134ae0ffcce802735151f4eac6564f6ee9974c5e6887a1"
        "fefee5743ae2241bfeb95d5ce31ddcb6f9edb4d6fc47",
        "005fc70477c3e63bc3954bd0df3ea0d1f41ee21746ed95fc5e1fdf90930d5e136672d72cc770742d1711c3c3"
        "a4c334a0ad9759436a4d3c5bf6e74b9578fac148c831",
    },
    {
        CURVE_P521, /* COUNT = 1 */
        "0401df277c152108349bc34d539ee0cf06b24f5d3500677b4445453ccc21409453aafb8a72a0be9ebe54d122"
        "70aa51b3ab7f316aa5e74a951c5e53f74cd95fc29aee7a013d52f33a9f3c14384d1587fa8abe7aed74bc3374"
        "9ad9c570b471776422c7d4505d9b0a96b3bfac041e4c6a6990ae7f700e5b4a6640229112deafa0cd8bb0d089"
        "b0",
        "00816f19c1fb10ef94d4a1d81c156ec3d1de08b66761f03f06ee4bb9dcebbbfe1eaa1ed49a6a990838d8ed31"
        "8c14d74cc872f95d05d07ad50f621ceb620cd905cfb8",
        "000b3920ac830ade812c8f96805da2236e002acbbf13596a9ab254d44d0e91b6255ebf1229f366fb5a05c588"
        "4ef46032c26d42189273ca4efa4c3db6bd12a6853759",
    },
};

static const char *const ecdh_methods[] = {
    [CURVE_P256] = "ecdh-sha2-nistp256",
    [CURVE_P384] = "ecdh-sha2-nistp384",
    [CURVE_P521] = "ecdh-sha2-nistp521",
};

static EVP_PKEY *ec_private(unsigned curve, const struct hex *scalar)
{
    OWNED(OSSL_PARAM_BLD) *builder = OSSL_PARAM_BLD_new();
    OWNED(BIGNUM) *number = BN_bin2bn(scalar->data, (int)scalar->size, NULL);
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve_at(curve)->group, 0);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OWNED(OSSL_PARAM) *params = OSSL_PARAM_BLD_to_param(builder);
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
    return key;
}

static void ecdh_agrees_with_cavs(void **unused)
{
    for (size_t i = 0; i < COUNT(cdh_vectors); i++) {
        const struct cdh_vector *vector = &cdh_vectors[i];
        struct hex peer = hex_of(vector->peer), own = hex_of(vector->own),
                   expected = hex_of(vector->expected);
        struct agreement agreement = {
            .type = "EC", .public_size = peer.size, .secret_size = curve_at(vector->curve)->field};
        uint8_t secret[CURVE_FIELD_MAX];
        OWNED(EVP_PKEY) *key = ec_private(vector->curve, &own);
        assert_int_equal(curve_check_point(curve_at(vector->curve), hex_span(&peer)), 0);
        assert_int_equal(agreement_derive(&agreement, key, hex_span(&peer), secret), 0);
        assert_int_equal(expected.size, agreement.secret_size);
        assert_memory_equal(secret, expected.data, expected.size);
    }
}

static void ecdh_refuses_points_off_the_curve(void **unused)
{
    for (size_t i = 0; i < COUNT(cdh_vectors); i++) {
        const char *method = ecdh_methods[cdh_vectors[i].curve];
        struct hex good = hex_of(cdh_vectors[i].peer), bad = good;
        bad.data[bad.size - 1] ^= 1;
        assert_refused(method, hex_span(&bad), hex_span(&good), SP_E_REFUSED);
        memset(bad.data + 1, 0, bad.size - 1); /* (0, 0) */
        assert_refused(method, hex_span(&bad), hex_span(&good), SP_E_REFUSED);
        memset(bad.data + 1, 0xff, bad.size - 1); /* not below the prime */
        assert_refused(method, hex_span(&bad), hex_span(&good), SP_E_REFUSED);
    }
}

static void ecdh_refuses_other_forms_and_lengths(void **unused)
{
    for (size_t i = 0; i < COUNT(cdh_vectors); i++) {
        const char *method = ecdh_methods[cdh_vectors[i].curve];
        struct hex good = hex_of(cdh_vectors[i].peer), bad = good;
        size_t compressed = 1 + (good.size - 1) / 2;
        for (unsigned form = 0; form < 256; form++) {
            bad.data[0] = (uint8_t)form;
            if (form != 4)
                assert_refused(method, hex_span(&bad), hex_span(&good), SP_E_MALFORMED);
            assert_refused(method, sp_span_of(bad.data, compressed), hex_span(&good), SP_E_MALFORMED);
        }
        const size_t sizes[] = {0, 1, good.size - 1, good.size + 1};
        for (size_t at = 0; at < COUNT(sizes); at++)
            assert_refused(method, sp_span_of(good.data, sizes[at]), hex_span(&good), SP_E_MALFORMED);
    }
}

static void ecdh_refuses_another_curves_point(void **unused)
{
    struct hex p256 = hex_of(cdh_vectors[0].peer), p384 = hex_of(cdh_vectors[3].peer);
    assert_refused("ecdh-sha2-nistp256", hex_span(&p384), hex_span(&p256), SP_E_MALFORMED);
    assert_refused("ecdh-sha2-nistp384", hex_span(&p256), hex_span(&p384), SP_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdh_agrees_with_cavs),
        cmocka_unit_test(ecdh_refuses_points_off_the_curve),
        cmocka_unit_test(ecdh_refuses_other_forms_and_lengths),
        cmocka_unit_test(ecdh_refuses_another_curves_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
