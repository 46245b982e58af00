/* session/methods.c: chains of AuthenticationMethods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "session/methods.h"

#define ALL 7u
#define BIT(method_) (1u << METHOD_##method_)

static int parse(const char *const *items, size_t count, unsigned enabled, struct methods *methods)
{
    char error[256] = "";
    const struct config_list list = {.items = (char **)(uintptr_t)items, .count = count};
    int r = methods_parse(&list, enabled, methods, error, sizeof error);
    assert_true(r == 0 || error[0]);
    return r;
}
#define PARSE(enabled_, methods_, ...)                                                                       \
    parse((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),   \
          (enabled_), (methods_))

static void any_is_each_enabled_method_alone(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(BIT(PASSWORD) | BIT(PUBLICKEY), &methods, "any"), 0);
    assert_int_equal(methods_next(&methods), BIT(PASSWORD) | BIT(PUBLICKEY));
    assert_true(methods_would_complete(&methods, METHOD_PASSWORD));
    assert_false(methods_would_complete(&methods, METHOD_KEYBOARD_INTERACTIVE));
}

static void chain_moves_step_by_step(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(ALL, &methods, "publickey,password", "publickey,keyboard-interactive:pam"), 0);
    assert_int_equal(methods_next(&methods), BIT(PUBLICKEY));
    assert_false(methods_would_complete(&methods, METHOD_PUBLICKEY));
    methods_advance(&methods, METHOD_PUBLICKEY);
    assert_int_equal(methods_next(&methods), BIT(PASSWORD) | BIT(KEYBOARD_INTERACTIVE));
    assert_true(methods_would_complete(&methods, METHOD_PASSWORD));
    assert_false(methods_would_complete(&methods, METHOD_PUBLICKEY));
}

static void method_out_of_order_moves_nothing(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(ALL, &methods, "publickey,password"), 0);
    methods_advance(&methods, METHOD_PASSWORD);
    assert_int_equal(methods_next(&methods), BIT(PUBLICKEY));
}

static void none_never_completes(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(ALL, &methods, "any"), 0);
    assert_false(methods_would_complete(&methods, METHOD_NONE));
}

static void same_method_twice_needs_two_passes(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(ALL, &methods, "publickey,publickey"), 0);
    assert_false(methods_would_complete(&methods, METHOD_PUBLICKEY));
    methods_advance(&methods, METHOD_PUBLICKEY);
    assert_true(methods_would_complete(&methods, METHOD_PUBLICKEY));
}

static void chain_with_a_method_that_is_off_is_left_out(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(BIT(PUBLICKEY), &methods, "publickey,password", "publickey"), 0);
    assert_int_equal(methods.count, 1);
    assert_int_equal(PARSE(BIT(PUBLICKEY), &methods, "password"), METHODS_E_INVALID);
}

static void unknown_and_empty_names_are_invalid(void **state)
{
    struct methods methods;
    assert_int_equal(PARSE(ALL, &methods, "publickey,finger"), METHODS_E_INVALID);
    assert_int_equal(PARSE(ALL, &methods, "none"), METHODS_E_INVALID);
    assert_int_equal(PARSE(ALL, &methods, "publickey,"), METHODS_E_INVALID);
    assert_int_equal(PARSE(ALL, &methods, ""), METHODS_E_INVALID);
    assert_int_equal(PARSE(ALL, &methods, "password", "any"), METHODS_E_INVALID);
    assert_int_equal(PARSE(0, &methods, "any"), METHODS_E_INVALID);
}

static void chains_are_bounded(void **state)
{
    struct methods methods;
    const char *items[METHODS_CHAINS_MAX + 1];
    for (size_t i = 0; i <= METHODS_CHAINS_MAX; i++)
        items[i] = "password";
    assert_int_equal(parse(items, METHODS_CHAINS_MAX, ALL, &methods), 0);
    assert_int_equal(parse(items, METHODS_CHAINS_MAX + 1, ALL, &methods), METHODS_E_INVALID);
    assert_int_equal(
        PARSE(ALL, &methods,
              "password,password,password,password,password,password,password,password,password"),
        METHODS_E_INVALID);
}

static void list_has_every_bit_in_order(void **state)
{
    char text[METHODS_TEXT_MAX];
    methods_list(ALL, text);
    assert_string_equal(text, "publickey,password,keyboard-interactive");
    methods_list(0, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_is_each_enabled_method_alone),
        cmocka_unit_test(chain_moves_step_by_step),
        cmocka_unit_test(method_out_of_order_moves_nothing),
        cmocka_unit_test(none_never_completes),
        cmocka_unit_test(same_method_twice_needs_two_passes),
        cmocka_unit_test(chain_with_a_method_that_is_off_is_left_out),
        cmocka_unit_test(unknown_and_empty_names_are_invalid),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(list_has_every_bit_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
