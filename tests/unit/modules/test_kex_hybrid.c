/*
 * mlkem768x25519-sha256. What needs no ML-KEM is tested everywhere, the round trip where libcrypto has it.
 */
#include <errno.h>

#include "kex_harness.h"

#include "kex/mlkem768x25519.h"

#define X25519_SIZE 32u

#define HYBRID "mlkem768x25519-sha256"

/* A value that every check passes: coefficients of zero, and the base point. */
static struct hex hybrid_value(size_t mlkem_size)
{
    struct hex value = {.size = mlkem_size + X25519_SIZE};
    value.data[mlkem_size] = 9;
    return value;
}

static void hybrid_refuses_other_lengths(void **unused)
{
    struct hex client = hybrid_value(MLKEM768_EK_SIZE), server = hybrid_value(MLKEM768_CT_SIZE);
    struct answer answer;
    assert_int_equal(check(HYBRID, hex_span(&client), hex_span(&server)), 0);
    const size_t sizes[] = {0, 32, MLKEM768_EK_SIZE, MLKEM768_EK_SIZE + 31, MLKEM768_EK_SIZE + 33};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct sp_span bad = sp_span_of(client.data, sizes[i]);
        assert_int_equal(check(HYBRID, bad, hex_span(&server)), SP_E_MALFORMED);
        assert_int_equal(ask(HYBRID, bad, &answer), SP_E_MALFORMED);
    }
    assert_int_equal(check(HYBRID, hex_span(&client), sp_span_of(server.data, server.size - 1)),
                     SP_E_MALFORMED);
    assert_int_equal(check(HYBRID, hex_span(&client), sp_span_of(server.data, server.size + 1)),
                     SP_E_MALFORMED);
    assert_int_equal(check(HYBRID, hex_span(&client), hex_span(&client)), SP_E_MALFORMED);
}

static void hybrid_refuses_small_order_in_its_x25519_half(void **unused)
{
    struct hex client = hybrid_value(MLKEM768_EK_SIZE), server = hybrid_value(MLKEM768_CT_SIZE);
    struct answer answer;
    for (size_t i = 0; i < COUNT(small_order); i++) {
        struct hex point = hex_of(small_order[i]), bad = client, worse = server;
        memcpy(bad.data + MLKEM768_EK_SIZE, point.data, X25519_SIZE);
        memcpy(worse.data + MLKEM768_CT_SIZE, point.data, X25519_SIZE);
        assert_int_equal(check(HYBRID, hex_span(&bad), hex_span(&server)), SP_E_REFUSED);
        assert_int_equal(check(HYBRID, hex_span(&client), hex_span(&worse)), SP_E_REFUSED);
        assert_int_equal(ask(HYBRID, hex_span(&bad), &answer), SP_E_REFUSED);
    }
}

/* Each coefficient is 12 bits, two in three octets, low bits first (FIPS 203, ByteEncode_12). */
static void hybrid_refuses_unreduced_coefficients(void **unused)
{
    struct hex server = hybrid_value(MLKEM768_CT_SIZE);
    for (size_t i = 0; i < 768; i += 1) {
        struct hex client = hybrid_value(MLKEM768_EK_SIZE);
        uint8_t *pair = client.data + i / 2 * 3;
        const unsigned values[] = {3328, 3329, 4095};
        for (size_t at = 0; at < COUNT(values); at++) {
            memset(pair, 0, 3);
            if (i % 2 == 0) {
                pair[0] = (uint8_t)values[at];
                pair[1] = (uint8_t)(values[at] >> 8);
            } else {
                pair[1] = (uint8_t)(values[at] << 4);
                pair[2] = (uint8_t)(values[at] >> 4);
            }
            assert_int_equal(check(HYBRID, hex_span(&client), hex_span(&server)),
                             values[at] < 3329 ? 0 : SP_E_REFUSED);
        }
    }
}

/* SHA-256 of the octets 0 to 63, as sha256sum prints it. */
static void hybrid_secret_is_the_hash_of_both_in_order(void **unused)
{
    struct hex expected = hex_of("fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108");
    uint8_t octets[64], room[64];
    struct sp_out secret = {.data = room, .capacity = sizeof room};
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)i;
    assert_int_equal(mlkem768x25519_combine(octets, octets + 32, &secret), 0);
    assert_true(sp_span_equal(sp_written(&secret), hex_span(&expected)));
}

static void hybrid_without_mlkem_says_so(void **unused)
{
    if (kex_info_find(sp_text(HYBRID))->available())
        skip();
    struct hex client = hybrid_value(MLKEM768_EK_SIZE);
    struct answer answer;
    assert_int_equal(ask(HYBRID, hex_span(&client), &answer), -EOPNOTSUPP);
    assert_int_equal(answer.server_public.size + answer.secret.size, 0);
}

static void hybrid_client_decapsulates(EVP_PKEY *key, struct sp_span ciphertext, uint8_t secret[32])
{
    size_t size = 32;
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    assert_int_equal(EVP_PKEY_decapsulate_init(context, NULL), 1);
    assert_int_equal(EVP_PKEY_decapsulate(context, secret, &size, ciphertext.data, ciphertext.size), 1);
    assert_int_equal(size, 32);
}

static void hybrid_both_sides_agree(void **unused)
{
    if (!kex_info_find(sp_text(HYBRID))->available())
        skip();
    OWNED(EVP_PKEY) *mlkem = NULL;
    OWNED(EVP_PKEY) *point = NULL;
    struct hex client = {0}, x25519_value = {0};
    client_key("ML-KEM-768", NULL, &mlkem, &client);
    client_key("X25519", NULL, &point, &x25519_value);
    assert_int_equal(client.size, MLKEM768_EK_SIZE);
    memcpy(client.data + MLKEM768_EK_SIZE, x25519_value.data, X25519_SIZE);
    client.size += X25519_SIZE;
    struct answer answer;
    assert_int_equal(ask(HYBRID, hex_span(&client), &answer), 0);
    assert_int_equal(answer.server_public.size, MLKEM768_CT_SIZE + X25519_SIZE);
    assert_int_equal(check(HYBRID, hex_span(&client), sp_written(&answer.server_public)), 0);
    uint8_t both[64], hash[32];
    hybrid_client_decapsulates(mlkem, sp_span_of(answer.server_public.data, MLKEM768_CT_SIZE), both);
    struct hex shared =
        client_secret(point, sp_span_of(answer.server_public.data + MLKEM768_CT_SIZE, X25519_SIZE));
    memcpy(both + 32, shared.data, 32);
    assert_int_equal(EVP_Digest(both, sizeof both, hash, NULL, EVP_sha256(), NULL), 1);
    assert_true(sp_span_equal(sp_written(&answer.secret), sp_span_of(hash, sizeof hash)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_refuses_other_lengths),
        cmocka_unit_test(hybrid_refuses_small_order_in_its_x25519_half),
        cmocka_unit_test(hybrid_refuses_unreduced_coefficients),
        cmocka_unit_test(hybrid_secret_is_the_hash_of_both_in_order),
        cmocka_unit_test(hybrid_without_mlkem_says_so),
        cmocka_unit_test(hybrid_both_sides_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
