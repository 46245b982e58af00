/* The table of tokens: the latest word of the signer's, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <sallyport/wire.h>

#include "monitor/token_states.h"

static uint8_t items_bytes[TOKEN_STATES_SIZE_MAX], key_bytes[4096];

static struct sp_span key_of(const char *uri, const char *fingerprint, bool can_sign)
{
    struct sp_out out = {.data = key_bytes, .capacity = sizeof key_bytes};
    const struct token_state_key key = {sp_text(uri), sp_text(fingerprint), can_sign};
    token_state_put_key(&key, &out);
    return sp_written(&out);
}

static void add(struct sp_out *items, const char *name, enum token_condition condition, struct sp_span keys)
{
    const struct token_state state = {
        .name = sp_text(name), .condition = condition, .age_ms = 1900, .keys = keys};
    token_state_put(&state, items);
}

static struct sp_out items_begin(void)
{
    return (struct sp_out){.data = items_bytes, .capacity = sizeof items_bytes};
}

static int take(struct token_states *states, const struct sp_out *items)
{
    const struct msg_token_states message = {
        .waiting = 4, .refused_full = 2, .refused_late = 1, .tokens = sp_written(items)};
    return token_states_take(states, &message, 10000);
}

static void keeps_a_copy_of_the_latest(void **context)
{
    struct token_states states = {.known = false};
    struct sp_out items = items_begin();
    add(&items, "token=a", TOKEN_IS_READY, key_of("u", "f", true));
    assert_int_equal(take(&states, &items), 0);
    items = items_begin();
    add(&items, "token=b", TOKEN_IS_LOST, key_of("u", "f", true));
    add(&items, "token=c", TOKEN_IS_READY, key_of("u", "f", true));
    assert_int_equal(take(&states, &items), 0);
    memset(items_bytes, 0xff, sizeof items_bytes);
    assert_true(states.known);
    assert_int_equal(states.count, 2);
    assert_int_equal(states.queue.waiting, 4);
    assert_int_equal(states.queue.refused_full, 2);
    assert_int_equal(states.queue.refused_late, 1);
    assert_true(sp_span_is(states.tokens[0].name, "token=b"));
    assert_true(sp_span_is(states.tokens[1].name, "token=c"));
    token_states_forget(&states);
    assert_false(states.known);
    assert_int_equal(states.count, 0);
}

static void keeps_what_it_had_when_the_next_is_malformed(void **context)
{
    struct token_states states = {.known = false};
    struct sp_out items = items_begin();
    add(&items, "token=a", TOKEN_IS_READY, key_of("u", "f", true));
    assert_int_equal(take(&states, &items), 0);
    items.size--;
    assert_int_equal(take(&states, &items), TOKEN_STATES_E_MALFORMED);
    assert_int_equal(states.count, 1);
    assert_true(sp_span_is(states.tokens[0].name, "token=a"));
    token_states_forget(&states);
}

static void takes_as_many_tokens_as_a_signer_has_and_no_more(void **context)
{
    struct token_states states = {.known = false};
    struct sp_out items = items_begin();
    for (size_t i = 0; i < TOKEN_STATES_MAX; i++)
        add(&items, "t", TOKEN_IS_READY, (struct sp_span){0});
    assert_int_equal(take(&states, &items), 0);
    assert_int_equal(states.count, TOKEN_STATES_MAX);
    add(&items, "t", TOKEN_IS_READY, (struct sp_span){0});
    assert_int_equal(take(&states, &items), TOKEN_STATES_E_MALFORMED);
    token_states_forget(&states);
}

static void ages_go_on(void **context)
{
    struct token_states states = {.known = false};
    struct sp_out items = items_begin();
    add(&items, "t", TOKEN_IS_LOST, (struct sp_span){0});
    assert_int_equal(take(&states, &items), 0);
    assert_int_equal(token_state_age_s(&states, &states.tokens[0], 10000), 1);
    assert_int_equal(token_state_age_s(&states, &states.tokens[0], 10100), 2);
    assert_int_equal(token_state_age_s(&states, &states.tokens[0], 70000), 61);
    assert_int_equal(token_state_age_s(&states, &states.tokens[0], 0), 1);
    token_states_forget(&states);
}

static void a_key_can_sign_if_one_of_its_tokens_can(void **context)
{
    struct token_states states = {.known = false};
    struct sp_out items = items_begin();
    add(&items, "a", TOKEN_IS_LOST, key_of("pkcs11:a", "SHA256:twin", false));
    add(&items, "b", TOKEN_IS_READY, key_of("pkcs11:b", "SHA256:twin", true));
    add(&items, "c", TOKEN_IS_ABSENT, key_of("pkcs11:c", "", false));
    assert_int_equal(take(&states, &items), 0);
    assert_int_equal(token_states_key(&states, sp_text("SHA256:twin"), sp_text("pkcs11:a")), TOKEN_KEY_CAN);
    assert_int_equal(token_states_key(&states, sp_text(""), sp_text("pkcs11:c")), TOKEN_KEY_CANNOT);
    assert_int_equal(token_states_key(&states, sp_text("SHA256:other"), sp_text("pkcs11:a")),
                     TOKEN_KEY_UNKNOWN);
    token_states_forget(&states);
    assert_int_equal(token_states_key(&states, sp_text("SHA256:twin"), sp_text("pkcs11:a")),
                     TOKEN_KEY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_copy_of_the_latest),
        cmocka_unit_test(keeps_what_it_had_when_the_next_is_malformed),
        cmocka_unit_test(takes_as_many_tokens_as_a_signer_has_and_no_more),
        cmocka_unit_test(ages_go_on),
        cmocka_unit_test(a_key_can_sign_if_one_of_its_tokens_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
