/*
 * Post-quantum hybrids, one row each. What needs no key encapsulation is tested everywhere, the round trip where the libraries
 * have it.
 */
#include <errno.h>

#include "kex_harness.h"

#include "kex/mlkem.h"
#include "kex/sntrup761.h"
#include "kex_client_sntrup761.h"

#define X25519_POINT "0900000000000000000000000000000000000000000000000000000000000000"

/* SEC 2's base point */
#define P256_POINT                                                                                           \
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                                     \
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define P384_POINT                                                                                           \
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"     \
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"

/* The client's half of an encapsulation, in the library's own words. */
struct client_kem {
    EVP_PKEY *key;
    uint8_t sntrup761_key[CLIENT_SNTRUP761_SIZE];
    struct hex public_key;
};

struct hybrid {
    const char *method;
    size_t key_size, ciphertext_size;
    const char *mlkem;        /* libcrypto's name; NULL: sntrup761 */
    const char *type, *group; /* of the point */
    const char *good_point;
    size_t secret_size; /* of the point's half */
    const char *digest;
};

static const struct hybrid hybrids[] = {
    {"mlkem768x25519-sha256", MLKEM768_EK_SIZE, MLKEM768_CT_SIZE, "ML-KEM-768", "X25519", NULL, X25519_POINT,
     32, "SHA256"},
    {"mlkem768nistp256-sha256", MLKEM768_EK_SIZE, MLKEM768_CT_SIZE, "ML-KEM-768", "EC", "P-256", P256_POINT,
     32, "SHA256"},
    {"mlkem1024nistp384-sha384", MLKEM1024_EK_SIZE, MLKEM1024_CT_SIZE, "ML-KEM-1024", "EC", "P-384",
     P384_POINT, 48, "SHA384"},
    {"sntrup761x25519-sha512", SNTRUP761_EK_SIZE, SNTRUP761_CT_SIZE, NULL, "X25519", NULL, X25519_POINT, 32,
     "SHA512"},
    {"sntrup761x25519-sha512@openssh.com", SNTRUP761_EK_SIZE, SNTRUP761_CT_SIZE, NULL, "X25519", NULL,
     X25519_POINT, 32, "SHA512"},
};

/* A value that every check passes: zeros, and a good point. */
static struct hex hybrid_value(const struct hybrid *hybrid, size_t kem_size)
{
    struct hex value = {.size = kem_size}, point = hex_of(hybrid->good_point);
    memcpy(value.data + kem_size, point.data, point.size);
    value.size += point.size;
    return value;
}

static bool is_available(const struct hybrid *hybrid)
{
    return kex_info_find(sp_text(hybrid->method))->available();
}

static void hybrid_refuses_other_lengths(void **unused)
{
    for (size_t row = 0; row < COUNT(hybrids); row++) {
        const struct hybrid *hybrid = &hybrids[row];
        struct hex client = hybrid_value(hybrid, hybrid->key_size),
                   server = hybrid_value(hybrid, hybrid->ciphertext_size);
        struct answer answer;
        assert_int_equal(check(hybrid->method, hex_span(&client), hex_span(&server)), 0);
        const size_t sizes[] = {0, 32, hybrid->key_size, client.size - 1, client.size + 1};
        for (size_t i = 0; i < COUNT(sizes); i++) {
            struct sp_span bad = sp_span_of(client.data, sizes[i]);
            assert_int_equal(check(hybrid->method, bad, hex_span(&server)), SP_E_MALFORMED);
            assert_int_equal(ask(hybrid->method, bad, &answer), SP_E_MALFORMED);
            assert_int_equal(answer.server_public.size + answer.secret.size, 0);
        }
        const size_t server_sizes[] = {0, 32, hybrid->ciphertext_size, server.size - 1, server.size + 1};
        for (size_t i = 0; i < COUNT(server_sizes); i++)
            assert_int_equal(
                check(hybrid->method, hex_span(&client), sp_span_of(server.data, server_sizes[i])),
                SP_E_MALFORMED);
    }
}

static void assert_point_refused(const struct hybrid *hybrid, const struct hex *point, int expected)
{
    struct hex client = hybrid_value(hybrid, hybrid->key_size),
               server = hybrid_value(hybrid, hybrid->ciphertext_size);
    struct hex bad = client, worse = server;
    struct answer answer;
    memcpy(bad.data + hybrid->key_size, point->data, point->size);
    memcpy(worse.data + hybrid->ciphertext_size, point->data, point->size);
    assert_int_equal(check(hybrid->method, hex_span(&bad), hex_span(&server)), expected);
    assert_int_equal(check(hybrid->method, hex_span(&client), hex_span(&worse)), expected);
    assert_int_equal(ask(hybrid->method, hex_span(&bad), &answer), expected);
    assert_int_equal(answer.server_public.size + answer.secret.size, 0);
}

static void hybrid_refuses_small_order_in_its_x25519_half(void **unused)
{
    for (size_t row = 0; row < COUNT(hybrids); row++)
        for (size_t i = 0; !hybrids[row].group && i < COUNT(small_order); i++) {
            struct hex point = hex_of(small_order[i]);
            assert_point_refused(&hybrids[row], &point, SP_E_REFUSED);
        }
}

static void hybrid_refuses_points_off_its_curve(void **unused)
{
    for (size_t row = 0; row < COUNT(hybrids); row++) {
        struct hex point = hex_of(hybrids[row].good_point);
        if (!hybrids[row].group)
            continue;
        point.data[point.size - 1] ^= 1;
        assert_point_refused(&hybrids[row], &point, SP_E_REFUSED);
        memset(point.data + 1, 0, point.size - 1);
        assert_point_refused(&hybrids[row], &point, SP_E_REFUSED);
        memset(point.data + 1, 0xff, point.size - 1);
        assert_point_refused(&hybrids[row], &point, SP_E_REFUSED);
        memset(point.data, 0, point.size); /* infinity, and what follows */
        assert_point_refused(&hybrids[row], &point, SP_E_MALFORMED);
    }
}

/* Each coefficient is 12 bits, two in three octets, low bits first (FIPS 203, ByteEncode_12). */
static void hybrid_refuses_unreduced_coefficients(void **unused)
{
    const unsigned values[] = {3328, 3329, 4095};
    for (size_t row = 0; row < COUNT(hybrids); row++) {
        const struct hybrid *hybrid = &hybrids[row];
        struct hex client = hybrid_value(hybrid, hybrid->key_size),
                   server = hybrid_value(hybrid, hybrid->ciphertext_size);
        for (size_t i = 0; hybrid->mlkem && i < (hybrid->key_size - 32) / 3 * 2; i++) {
            uint8_t *pair = client.data + i / 2 * 3;
            for (size_t at = 0; at < COUNT(values); at++) {
                pair[i % 2] = (uint8_t)(i % 2 == 0 ? values[at] : values[at] << 4);
                pair[i % 2 + 1] = (uint8_t)(i % 2 == 0 ? values[at] >> 8 : values[at] >> 4);
                assert_int_equal(check(hybrid->method, hex_span(&client), hex_span(&server)),
                                 values[at] < 3329 ? 0 : SP_E_REFUSED);
            }
            memset(pair, 0, 3);
        }
    }
}

/* Of the octets 0 to 63 (79 for SHA-384), as sha256sum and its like print it. */
static void hybrid_secret_is_the_hash_of_both_in_order(void **unused)
{
    const struct {
        const char *digest;
        size_t point_size;
        const char *hash;
    } rows[] = {
        {"sha256", 32, "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108"},
        {"sha384", 48,
         "ddc65ed22cae4d159d35e129a1602d8fa50d7aa53e209b0d5442bb121db0d5d102441054b2b321675f3722669fecd06e"},
        {"sha512", 32,
         "ee4320ebaf3fdb4f2c832b137200c08e235e0fa7bbd0eb1740c7063ba8a0d151da77e003398e1714a955d475b05e3e950b6"
         "39503b452ec185de4229bc4873949"},
    };
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct hex expected = hex_of(rows[row].hash);
        uint8_t octets[80], room[64];
        struct sp_out secret = {.data = room, .capacity = sizeof room};
        for (size_t i = 0; i < sizeof octets; i++)
            octets[i] = (uint8_t)i;
        assert_int_equal(hybrid_combine(rows[row].digest, sp_span_of(octets, 32),
                                        sp_span_of(octets + 32, rows[row].point_size), &secret),
                         0);
        assert_true(sp_span_equal(sp_written(&secret), hex_span(&expected)));
    }
}

static void hybrid_without_its_library_says_so(void **unused)
{
    for (size_t row = 0; row < COUNT(hybrids); row++) {
        struct hex client = hybrid_value(&hybrids[row], hybrids[row].key_size);
        struct answer answer;
        if (is_available(&hybrids[row]))
            continue;
        assert_int_equal(ask(hybrids[row].method, hex_span(&client), &answer), -EOPNOTSUPP);
        assert_int_equal(answer.server_public.size + answer.secret.size, 0);
    }
}

static void mlkem_decapsulates(EVP_PKEY *key, struct sp_span ciphertext, uint8_t secret[32])
{
    size_t size = 32;
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    assert_int_equal(EVP_PKEY_decapsulate_init(context, NULL), 1);
    assert_int_equal(EVP_PKEY_decapsulate(context, secret, &size, ciphertext.data, ciphertext.size), 1);
    assert_int_equal(size, 32);
}

static void client_kem_make(const struct hybrid *hybrid, struct client_kem *kem)
{
    if (hybrid->mlkem) {
        client_key(hybrid->mlkem, NULL, &kem->key, &kem->public_key);
        return;
    }
    kem->public_key.size = SNTRUP761_EK_SIZE;
    assert_true(client_sntrup761_make(kem->public_key.data, kem->sntrup761_key));
}

static void client_kem_open(const struct hybrid *hybrid, const struct client_kem *kem,
                            struct sp_span ciphertext, uint8_t secret[32])
{
    if (hybrid->mlkem)
        mlkem_decapsulates(kem->key, ciphertext, secret);
    else
        assert_true(client_sntrup761_open(kem->sntrup761_key, ciphertext, secret));
}

static void client_kem_free(struct client_kem *kem)
{
    EVP_PKEY_free(kem->key);
}

static void both_sides_agree_by(const struct hybrid *hybrid)
{
    struct client_kem kem = {0};
    OWNED(EVP_PKEY) *point = NULL;
    struct hex client, point_value = {0};
    client_kem_make(hybrid, &kem);
    client_key(hybrid->type, hybrid->group, &point, &point_value);
    client = kem.public_key;
    assert_int_equal(client.size, hybrid->key_size);
    memcpy(client.data + client.size, point_value.data, point_value.size);
    client.size += point_value.size;
    struct answer answer;
    assert_int_equal(ask(hybrid->method, hex_span(&client), &answer), 0);
    assert_int_equal(answer.server_public.size, hybrid->ciphertext_size + point_value.size);
    assert_int_equal(check(hybrid->method, hex_span(&client), sp_written(&answer.server_public)), 0);
    uint8_t both[128], hash[64];
    unsigned hash_size = 0;
    client_kem_open(hybrid, &kem, sp_span_of(answer.server_public.data, hybrid->ciphertext_size), both);
    struct hex shared = client_secret(
        point, sp_span_of(answer.server_public.data + hybrid->ciphertext_size, point_value.size));
    assert_int_equal(shared.size, hybrid->secret_size);
    memcpy(both + 32, shared.data, shared.size);
    const EVP_MD *digest = EVP_get_digestbyname(hybrid->digest);
    assert_int_equal(EVP_Digest(both, 32 + shared.size, hash, &hash_size, digest, NULL), 1);
    assert_true(sp_span_equal(sp_written(&answer.secret), sp_span_of(hash, hash_size)));
    assert_int_equal(kex_info_find(sp_text(hybrid->method))->secret_size, hash_size);
    client_kem_free(&kem);
}

static void hybrid_both_sides_agree(void **unused)
{
    size_t tried = 0;
    for (size_t row = 0; row < COUNT(hybrids); row++)
        if (is_available(&hybrids[row])) {
            both_sides_agree_by(&hybrids[row]);
            tried++;
        }
    if (tried == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_refuses_other_lengths),
        cmocka_unit_test(hybrid_refuses_small_order_in_its_x25519_half),
        cmocka_unit_test(hybrid_refuses_points_off_its_curve),
        cmocka_unit_test(hybrid_refuses_unreduced_coefficients),
        cmocka_unit_test(hybrid_secret_is_the_hash_of_both_in_order),
        cmocka_unit_test(hybrid_without_its_library_says_so),
        cmocka_unit_test(hybrid_both_sides_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
