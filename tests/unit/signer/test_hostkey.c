/* The provider's pure parts: public keys from a token's attributes, and what a result means. */
#include "support.h"

#include <sallyport/wire.h>

#include "hostkey/pkcs11_error.h"
#include "hostkey/pkcs11_public.h"

#define BYTES(text_) sp_span_of((text_), sizeof(text_) - 1)
#define P256 BYTES("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
#define ED25519_NAME                                                                                         \
    BYTES("\x13\x0c"                                                                                         \
          "edwards25519")
#define ED25519_OID BYTES("\x06\x03\x2b\x65\x70")

static uint8_t blob_bytes[4096];

static int blob_of(const struct pkcs11_public *key, struct sp_in *blob)
{
    struct sp_out out = {.data = blob_bytes, .capacity = sizeof blob_bytes};
    int r = pkcs11_public_blob(key, &out);
    *blob = sp_in_of(sp_written(&out));
    return r;
}

static void ed25519_in_all_spellings(void **state)
{
    uint8_t wrapped[34] = {0x04, 0x20};
    struct sp_in in;
    for (uint8_t i = 0; i < 32; i++)
        wrapped[2 + i] = (uint8_t)(i + 1);
    const struct sp_span params[] = {ED25519_NAME, ED25519_OID};
    const struct sp_span points[] = {sp_span_of(wrapped, 34), sp_span_of(wrapped + 2, 32)};
    for (size_t i = 0; i < 4; i++) {
        struct pkcs11_public key = {
            .type = CKK_EC_EDWARDS, .ec_params = params[i / 2], .ec_point = points[i % 2]};
        assert_int_equal(blob_of(&key, &in), 0);
        assert_true(sp_span_is(sp_get_text(&in, 64), "ssh-ed25519"));
        assert_true(sp_span_equal(sp_get_string(&in, 64), points[1]));
        assert_int_equal(sp_get_end(&in), 0);
    }
}

static void ecdsa_points(void **state)
{
    uint8_t wrapped[67] = {0x04, 65, 0x04, 0x7f};
    struct sp_in in;
    struct pkcs11_public key = {.type = CKK_EC, .ec_params = P256, .ec_point = sp_span_of(wrapped, 67)};
    assert_int_equal(blob_of(&key, &in), 0);
    assert_true(sp_span_is(sp_get_text(&in, 64), "ecdsa-sha2-nistp256"));
    assert_true(sp_span_is(sp_get_text(&in, 64), "nistp256"));
    assert_true(sp_span_equal(sp_get_string(&in, 200), sp_span_of(wrapped + 2, 65)));
    assert_int_equal(sp_get_end(&in), 0);
    key.ec_point = sp_span_of(wrapped + 2, 65);
    assert_int_equal(blob_of(&key, &in), 0);
}

static void a_long_point_has_a_long_length(void **state)
{
    uint8_t wrapped[136] = {0x04, 0x81, 133, 0x04};
    struct sp_in in;
    struct pkcs11_public key = {.type = CKK_EC,
                                .ec_params = BYTES("\x06\x05\x2b\x81\x04\x00\x23"),
                                .ec_point = sp_span_of(wrapped, 136)};
    assert_int_equal(blob_of(&key, &in), 0);
    (void)sp_get_text(&in, 64);
    assert_true(sp_span_is(sp_get_text(&in, 64), "nistp521"));
    assert_int_equal(sp_get_string(&in, 200).size, 133);
}

static void refuses_points_of_wrong_size(void **state)
{
    uint8_t wrapped[70] = {0x04, 65, 0x04};
    struct sp_in in;
    for (size_t size = 0; size < sizeof wrapped; size++) {
        struct pkcs11_public key = {.type = CKK_EC, .ec_params = P256, .ec_point = sp_span_of(wrapped, size)};
        assert_int_equal(blob_of(&key, &in), size == 67 || size == 65 ? 0 : SP_E_MALFORMED);
    }
}

static void refuses_foreign_curves_and_types(void **state)
{
    uint8_t point[34] = {0x04, 0x20};
    struct sp_in in;
    struct pkcs11_public key = {.type = CKK_EC,
                                .ec_params = BYTES("\x06\x05\x2b\x81\x04\x00\x0a"),
                                .ec_point = sp_span_of(point, 34)};
    assert_int_equal(blob_of(&key, &in), SP_E_REFUSED); /* secp256k1 */
    key = (struct pkcs11_public){.type = CKK_EC, .ec_params = ED25519_OID, .ec_point = sp_span_of(point, 34)};
    assert_int_equal(blob_of(&key, &in), SP_E_REFUSED);
    key = (struct pkcs11_public){.type = CKK_DSA};
    assert_int_equal(blob_of(&key, &in), SP_E_REFUSED);
}

static void rsa_numbers_become_mpints(void **state)
{
    struct sp_in in;
    struct pkcs11_public key = {
        .type = CKK_RSA, .modulus = BYTES("\x80\x01"), .exponent = BYTES("\x00\x01\x00\x01")};
    assert_int_equal(blob_of(&key, &in), 0);
    assert_true(sp_span_is(sp_get_text(&in, 64), "ssh-rsa"));
    assert_true(sp_span_equal(sp_get_string(&in, 64), BYTES("\x01\x00\x01")));
    assert_true(sp_span_equal(sp_get_string(&in, 64), BYTES("\x00\x80\x01")));
}

static void missing_attributes_are_malformed(void **state)
{
    struct sp_in in;
    struct pkcs11_public rsa = {.type = CKK_RSA, .modulus = BYTES("\x80")},
                         ec = {.type = CKK_EC, .ec_params = P256};
    assert_int_equal(blob_of(&rsa, &in), SP_E_MALFORMED);
    assert_int_equal(blob_of(&ec, &in), SP_E_MALFORMED);
    ec = (struct pkcs11_public){.type = CKK_EC};
    assert_int_equal(blob_of(&ec, &in), SP_E_MALFORMED);
}

static void results_say_what_to_do(void **state)
{
    static const struct {
        CK_RV result;
        int meaning;
    } rows[] = {
        {0x30, SP_HOSTKEY_E_LOST},   {0x31, SP_HOSTKEY_E_LOST},       {0x32, SP_HOSTKEY_E_LOST},
        {0x82, SP_HOSTKEY_E_LOST},   {0x60, SP_HOSTKEY_E_LOST},       {0x90, SP_HOSTKEY_E_LOST},
        {0x91, SP_HOSTKEY_E_LOST},   {0xb3, SP_HOSTKEY_E_LOST},       {0xb0, SP_HOSTKEY_E_LOST},
        {0xe0, SP_HOSTKEY_E_LOST},   {0xe1, SP_HOSTKEY_E_LOST},       {0x101, SP_HOSTKEY_E_LOST},
        {0x190, SP_HOSTKEY_E_LOST},  {0x05, SP_HOSTKEY_E_LOST},       {0x06, SP_HOSTKEY_E_LOST},
        {0x07, SP_HOSTKEY_E_FAILED}, {0xa0, SP_HOSTKEY_E_PIN},        {0xa1, SP_HOSTKEY_E_PIN},
        {0xa2, SP_HOSTKEY_E_PIN},    {0xa4, SP_HOSTKEY_E_STOP},       {0x70, SP_HOSTKEY_E_FAILED},
        {0x68, SP_HOSTKEY_E_FAILED}, {0x80000001, SP_HOSTKEY_E_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(pkcs11_classify(rows[i].result), rows[i].meaning);
}

/* Whether the token may have counted the PIN as a wrong one. */
static void a_login_that_says_nothing_is_in_doubt(void **state)
{
    static const struct {
        CK_RV result;
        int meaning;
    } rows[] = {
        {0x05, SP_HOSTKEY_E_LOGIN}, {0x06, SP_HOSTKEY_E_LOGIN},  {0x30, SP_HOSTKEY_E_LOGIN},
        {0x31, SP_HOSTKEY_E_LOGIN}, {0x02, SP_HOSTKEY_E_LOGIN},  {0x80000001, SP_HOSTKEY_E_LOGIN},
        {0xb1, SP_HOSTKEY_E_LOGIN}, {0x200, SP_HOSTKEY_E_LOGIN}, {0xa0, SP_HOSTKEY_E_PIN},
        {0xa4, SP_HOSTKEY_E_STOP},  {0xe0, SP_HOSTKEY_E_LOST},   {0x32, SP_HOSTKEY_E_LOST},
        {0xb3, SP_HOSTKEY_E_LOST},  {0x07, SP_HOSTKEY_E_FAILED},
    };
    struct sp_hostkey_error error;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(pkcs11_login_failed(&error, rows[i].result, "C_Login"), rows[i].meaning);
}

static void a_failure_has_words(void **state)
{
    struct sp_hostkey_error error;
    assert_int_equal(pkcs11_failed(&error, 0xa0, "C_Login"), SP_HOSTKEY_E_PIN);
    assert_string_equal(error.text, "C_Login: CKR_PIN_INCORRECT (0xa0)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_in_all_spellings),
        cmocka_unit_test(ecdsa_points),
        cmocka_unit_test(a_long_point_has_a_long_length),
        cmocka_unit_test(refuses_points_of_wrong_size),
        cmocka_unit_test(refuses_foreign_curves_and_types),
        cmocka_unit_test(rsa_numbers_become_mpints),
        cmocka_unit_test(missing_attributes_are_malformed),
        cmocka_unit_test(results_say_what_to_do),
        cmocka_unit_test(a_login_that_says_nothing_is_in_doubt),
        cmocka_unit_test(a_failure_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
