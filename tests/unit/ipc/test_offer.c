/* Offers: what is offered to whom and when, and the forms of an offer that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "ipc/offer.h"

#define END_S 5000

static struct sp_span keys_of(uint64_t after, uint64_t before)
{
    static uint8_t bytes[512];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    offer_put_key(&(struct offer_key){.algorithms = sp_text("plain,other"),
                                      .blob = sp_text("key"),
                                      .valid_before = UINT64_MAX},
                  &out);
    offer_put_key(&(struct offer_key){.algorithms = sp_text("cert"),
                                      .blob = sp_text("certificate"),
                                      .valid_after = after,
                                      .valid_before = before},
                  &out);
    return sp_written(&out);
}

static struct msg_variant variant_of(const struct offer_exception *exceptions, size_t count)
{
    static uint8_t bytes[4096];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    for (size_t i = 0; i < count; i++)
        offer_put_exception(&exceptions[i], &out);
    return (struct msg_variant){.policy = sp_text("P"),
                                .kex = sp_text("k1,k2"),
                                .host_key_algorithms = sp_text("cert,plain,missing"),
                                .ciphers = sp_text("c"),
                                .macs = sp_text("m"),
                                .compression = sp_text("none"),
                                .user_key_algorithms = sp_text("u"),
                                .exceptions = sp_written(&out)};
}

static void list_is(const struct msg_variant *variant, const char *address, int64_t now, enum offer_kind kind,
                    const char *expected)
{
    struct offer_lists lists;
    assert_int_equal(offer_lists_make(variant, keys_of(100, 200), address, now, &lists), 0);
    assert_string_equal(lists.lists[kind], expected);
}

static const struct offer_exception two[] = {
    {.kind = OFFER_KEX, .name = {(const uint8_t *)"k9", 2}, .not_after = END_S},
    {.kind = OFFER_CIPHER, .name = {(const uint8_t *)"c9", 2}, .addresses = "10.0.0.0/8,!10.9.0.0/16"},
};

static void exceptions_follow_what_is_for_good(void **state)
{
    struct msg_variant v = variant_of(two, 2);
    list_is(&v, "192.0.2.1", END_S, OFFER_KEX, "k1,k2,k9");
    list_is(&v, "192.0.2.1", END_S + 1, OFFER_KEX, "k1,k2");
    list_is(&v, "192.0.2.1", 0, OFFER_CIPHER, "c");
    list_is(&v, "10.1.2.3", END_S + 1, OFFER_CIPHER, "c,c9");
    list_is(&v, "::ffff:10.1.2.3", 0, OFFER_CIPHER, "c,c9");
    list_is(&v, "10.9.2.3", 0, OFFER_CIPHER, "c");
    list_is(&v, NULL, 0, OFFER_CIPHER, "c");
}

static void host_key_algorithms_are_those_of_keys_that_are_valid(void **state)
{
    struct msg_variant v = variant_of(NULL, 0);
    list_is(&v, NULL, 99, OFFER_HOST_KEY, "plain");
    list_is(&v, NULL, 100, OFFER_HOST_KEY, "cert,plain");
    list_is(&v, NULL, 199, OFFER_HOST_KEY, "cert,plain");
    list_is(&v, NULL, 200, OFFER_HOST_KEY, "plain");
}

static void knows_when_lists_never_change(void **state)
{
    struct msg_variant plain = variant_of(NULL, 0);
    assert_true(offer_is_constant(&plain, keys_of(0, UINT64_MAX)));
    assert_false(offer_is_constant(&plain, keys_of(0, 200)));
    assert_false(offer_is_constant(&plain, keys_of(1, UINT64_MAX)));
    struct msg_variant excepted = variant_of(two, 1);
    assert_false(offer_is_constant(&excepted, keys_of(0, UINT64_MAX)));
}

static void knows_the_seconds_before_a_change(void **state)
{
    struct msg_variant v = variant_of(two, 2);
    struct sp_span keys = keys_of(100, 200);
    assert_int_equal(offer_changed_before(&v, keys, END_S + 50), END_S);
    assert_int_equal(offer_changed_before(&v, keys, END_S), 199);
    assert_int_equal(offer_changed_before(&v, keys, 199), 99);
    assert_true(offer_changed_before(&v, keys, 99) == INT64_MIN);
}

static void a_list_that_grows_too_long_is_said(void **state)
{
    static char kex[OFFER_LIST_MAX];
    struct msg_variant v = variant_of(two, 2);
    struct offer_lists lists;
    memset(kex, 'k', sizeof kex - 3);
    v.kex = sp_text(kex);
    assert_int_equal(offer_lists_make(&v, keys_of(0, 1), NULL, END_S + 1, &lists), 0);
    assert_int_equal(offer_lists_make(&v, keys_of(0, 1), NULL, END_S, &lists), OFFER_E_LONG);
    assert_int_equal(offer_lists_longest(&v, &lists), OFFER_E_LONG);
}

static struct sp_span encoded(const struct msg_variant *variants, size_t count, uint8_t *room, size_t size)
{
    struct sp_out out = {.data = room, .capacity = size};
    uint8_t bytes[8192];
    for (size_t i = 0; i < count; i++) {
        struct sp_out one = {.data = bytes, .capacity = sizeof bytes};
        assert_int_equal(message_encode(message_find(MSG_variant), &variants[i], &one), 0);
        sp_put_string(&out, sp_written(&one));
    }
    return sp_written(&out);
}

static void refuses_malformed_offers(void **state)
{
    static uint8_t room[32768];
    struct msg_variant v = variant_of(two, 2), found, many[OFFER_VARIANTS_MAX + 1];
    struct msg_offer offer = {.variants = encoded(&v, 1, room, sizeof room), .keys = keys_of(0, 1)};
    assert_int_equal(offer_check(&offer), 0);
    for (size_t size = 0; size < offer.variants.size; size++) {
        struct msg_offer cut = {.variants = sp_span_of(offer.variants.data, size), .keys = offer.keys};
        assert_int_equal(offer_check(&cut), OFFER_E_MALFORMED);
        assert_false(offer_variant_find(&cut, sp_text("P"), &found));
    }
    for (size_t size = 1; size < offer.keys.size; size++) {
        struct msg_offer cut = {.variants = offer.variants, .keys = sp_span_of(offer.keys.data, size)};
        bool whole = size == 4 + 11 + 4 + 3 + 16; /* the first key alone */
        assert_int_equal(offer_check(&cut), whole ? 0 : OFFER_E_MALFORMED);
    }
    v.exceptions.size--;
    offer.variants = encoded(&v, 1, room, sizeof room);
    assert_int_equal(offer_check(&offer), OFFER_E_MALFORMED);
    for (size_t i = 0; i < OFFER_VARIANTS_MAX + 1; i++)
        many[i] = variant_of(NULL, 0);
    offer.variants = encoded(many, OFFER_VARIANTS_MAX, room, sizeof room);
    assert_int_equal(offer_check(&offer), 0);
    offer.variants = encoded(many, OFFER_VARIANTS_MAX + 1, room, sizeof room);
    assert_int_equal(offer_check(&offer), OFFER_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exceptions_follow_what_is_for_good),
        cmocka_unit_test(host_key_algorithms_are_those_of_keys_that_are_valid),
        cmocka_unit_test(knows_when_lists_never_change),
        cmocka_unit_test(knows_the_seconds_before_a_change),
        cmocka_unit_test(a_list_that_grows_too_long_is_said),
        cmocka_unit_test(refuses_malformed_offers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
