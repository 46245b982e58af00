/*
 * Key exchange methods as the worker uses them: both sides come to the same secret, and failure leaves nothing behind.
 */
#include "kex_harness.h"

#define X25519_VALUE "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
#define P256_VALUE                                                                                           \
    "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"                                     \
    "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"

struct round_trip {
    const char *method;
    const char *type;
    const char *group;
};

static const struct round_trip round_trips[] = {
    {"curve25519-sha256", "X25519", NULL}, {"curve25519-sha256@libssh.org", "X25519", NULL},
    {"ecdh-sha2-nistp256", "EC", "P-256"}, {"ecdh-sha2-nistp384", "EC", "P-384"},
    {"ecdh-sha2-nistp521", "EC", "P-521"},
};

static void both_sides_agree(void **unused)
{
    for (size_t i = 0; i < COUNT(round_trips); i++) {
        const struct round_trip *trip = &round_trips[i];
        struct answer answer, second;
        struct hex public_value = {0};
        OWNED(EVP_PKEY) *own = NULL;
        client_key(trip->type, trip->group, &own, &public_value);
        assert_int_equal(ask(trip->method, hex_span(&public_value), &answer), 0);
        struct hex secret = client_secret(own, sp_written(&answer.server_public));
        assert_true(sp_span_equal(sp_written(&answer.secret), hex_span(&secret)));
        assert_int_equal(check(trip->method, hex_span(&public_value), sp_written(&answer.server_public)), 0);
        assert_int_equal(ask(trip->method, hex_span(&public_value), &second), 0);
        assert_false(sp_span_equal(sp_written(&answer.server_public), sp_written(&second.server_public)));
        assert_false(sp_span_equal(sp_written(&answer.secret), sp_written(&second.secret)));
    }
}

static void too_little_room_leaves_nothing(void **unused)
{
    struct hex x25519_value = hex_of(X25519_VALUE), p256 = hex_of(P256_VALUE), e = hex_of("1234");
    const struct {
        const char *method;
        const struct hex *value;
    } rows[] = {{"curve25519-sha256", &x25519_value},
                {"ecdh-sha2-nistp256", &p256},
                {"diffie-hellman-group14-sha256", &e}};
    uint8_t small[8], large[SP_KEX_PUBLIC_MAX];
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct sp_kex_ops *kex = kex_find(sp_text(rows[i].method));
        struct sp_out narrow = {.data = small, .capacity = sizeof small},
                      wide = {.data = large, .capacity = sizeof large};
        assert_int_equal(kex->respond(kex, (struct sp_span){0}, hex_span(rows[i].value), &narrow, &wide), SP_E_NO_ROOM);
        assert_int_equal(narrow.size + wide.size, 0);
        narrow.full = wide.full = false;
        assert_int_equal(kex->respond(kex, (struct sp_span){0}, hex_span(rows[i].value), &wide, &narrow), SP_E_NO_ROOM);
        assert_int_equal(narrow.size + wide.size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(too_little_room_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
