/* Items of token_states: what is written is read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <sallyport/wire.h>

#include "ipc/token_state.h"

struct bytes {
    uint8_t data[65536];
    struct sp_out out;
};

static struct sp_out *begin(struct bytes *bytes)
{
    bytes->out = (struct sp_out){.data = bytes->data, .capacity = sizeof bytes->data};
    return &bytes->out;
}

static void reads_what_was_written(void **context)
{
    static struct bytes keys, items;
    const struct token_state_key first = {sp_text("pkcs11:token=a;object=k"), sp_text("SHA256:abc"), true};
    const struct token_state_key second = {sp_text("pkcs11:token=a;object=l"), sp_text(""), false};
    token_state_put_key(&first, begin(&keys));
    token_state_put_key(&second, &keys.out);
    struct token_state state = {.name = sp_text("token=a"),
                                .module = sp_text("/m.so"),
                                .replica = 2,
                                .condition = TOKEN_IS_ABSENT,
                                .why = sp_text("no token fits"),
                                .age_ms = 1500,
                                .waiting = 3,
                                .starts = 7,
                                .signatures = 5,
                                .failures = 1,
                                .latency_us = 1234,
                                .latencies = {[3] = 4, [TOKEN_LATENCY_LIMITS] = 1},
                                .keys = sp_written(&keys.out)};
    token_state_put(&state, begin(&items));
    struct token_state read;
    struct sp_in in = sp_in_of(sp_written(&items.out));
    assert_int_equal(token_state_get(&in, &read), 0);
    assert_int_equal(sp_get_end(&in), 0);
    assert_true(sp_span_is(read.name, "token=a") && sp_span_is(read.module, "/m.so"));
    assert_true(sp_span_is(read.why, "no token fits"));
    assert_int_equal(read.condition, TOKEN_IS_ABSENT);
    assert_int_equal(read.replica, 2);
    assert_int_equal(read.age_ms, 1500);
    assert_int_equal(read.waiting, 3);
    assert_int_equal(read.starts, 7);
    assert_int_equal(read.signatures, 5);
    assert_int_equal(read.failures, 1);
    assert_int_equal(read.latency_us, 1234);
    assert_memory_equal(read.latencies, state.latencies, sizeof state.latencies);
    struct token_state_key key;
    assert_true(token_state_next_key(&read.keys, &key));
    assert_true(key.can_sign && sp_span_is(key.fingerprint, "SHA256:abc"));
    assert_true(token_state_next_key(&read.keys, &key));
    assert_true(!key.can_sign && key.fingerprint.size == 0);
    assert_true(sp_span_is(key.uri, "pkcs11:token=a;object=l"));
    assert_false(token_state_next_key(&read.keys, &key));
}

static void cuts_texts_that_are_too_long(void **context)
{
    static struct bytes items;
    char text[TOKEN_STATE_TEXT_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct token_state read, state = {.name = sp_text(text), .why = sp_text(text)};
    token_state_put(&state, begin(&items));
    struct sp_in in = sp_in_of(sp_written(&items.out));
    assert_int_equal(token_state_get(&in, &read), 0);
    assert_int_equal(read.name.size, TOKEN_STATE_TEXT_MAX);
    assert_int_equal(read.why.size, TOKEN_STATE_TEXT_MAX);
}

static void rejects_every_shorter_item(void **context)
{
    static struct bytes keys, items;
    const struct token_state_key key = {sp_text("u"), sp_text("f"), true};
    token_state_put_key(&key, begin(&keys));
    struct token_state read, state = {.name = sp_text("n"), .keys = sp_written(&keys.out)};
    token_state_put(&state, begin(&items));
    for (size_t size = 0; size < items.out.size; size++) {
        struct sp_in in = sp_in_of(sp_span_of(items.data, size));
        assert_int_equal(token_state_get(&in, &read), TOKEN_STATE_E_MALFORMED);
    }
}

static void rejects_conditions_that_are_none(void **context)
{
    static struct bytes items;
    struct token_state read, state = {.condition = (enum token_condition)TOKEN_CONDITIONS};
    token_state_put(&state, begin(&items));
    struct sp_in in = sp_in_of(sp_written(&items.out));
    assert_int_equal(token_state_get(&in, &read), TOKEN_STATE_E_MALFORMED);
}

static void rejects_more_keys_than_a_token_can_have(void **context)
{
    static struct bytes keys, items;
    const struct token_state_key key = {sp_text("u"), sp_text(""), false};
    begin(&keys);
    for (size_t i = 0; i < TOKEN_STATE_KEYS_MAX; i++)
        token_state_put_key(&key, &keys.out);
    for (int more = 0; more < 2; more++) {
        struct token_state read, state = {.keys = sp_written(&keys.out)};
        token_state_put(&state, begin(&items));
        struct sp_in in = sp_in_of(sp_written(&items.out));
        assert_int_equal(token_state_get(&in, &read), more ? TOKEN_STATE_E_MALFORMED : 0);
        token_state_put_key(&key, &keys.out);
    }
}

static void every_condition_has_a_word(void **context)
{
    for (unsigned i = 0; i < TOKEN_CONDITIONS; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(token_condition_name(i), token_condition_name(k));
    assert_string_equal(token_condition_name(TOKEN_IS_PIN_REFUSED), "pin_refused");
}

static void buckets_are_inclusive_and_ordered(void **context)
{
    for (size_t i = 0; i < TOKEN_LATENCY_LIMITS; i++) {
        assert_int_equal(token_latency_bucket(token_latency_limits_us[i]), i);
        assert_int_equal(token_latency_bucket(token_latency_limits_us[i] + 1), i + 1);
    }
    assert_int_equal(token_latency_bucket(0), 0);
    assert_int_equal(token_latency_bucket(UINT64_MAX), TOKEN_LATENCY_LIMITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(cuts_texts_that_are_too_long),
        cmocka_unit_test(rejects_every_shorter_item),
        cmocka_unit_test(rejects_conditions_that_are_none),
        cmocka_unit_test(rejects_more_keys_than_a_token_can_have),
        cmocka_unit_test(every_condition_has_a_word),
        cmocka_unit_test(buckets_are_inclusive_and_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
