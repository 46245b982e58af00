/* session/environment.c: names, replacement, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/environment.h"

static void names_are_words(void **state)
{
    assert_true(environment_name_ok(sp_text("LC_ALL")));
    assert_true(environment_name_ok(sp_text("_x9")));
    assert_false(environment_name_ok(sp_text("")));
    assert_false(environment_name_ok(sp_text("9x")));
    assert_false(environment_name_ok(sp_text("A=B")));
    assert_false(environment_name_ok(sp_text("A B")));
    assert_false(environment_name_ok(sp_span_of("A\0B", 3)));
    assert_false(environment_name_ok(sp_text("BASH_FUNC_x%%")));
}

static void what_runs_code_or_is_ours_is_not_free(void **state)
{
    const char *const taken[] = {"LD_PRELOAD", "LD_AUDIT", "SSH_CONNECTION", "SSH_ORIGINAL_COMMAND",
                                 "HOME",       "USER",     "SHELL",          "BASH_ENV",
                                 "ENV",        "SHELLOPTS"};
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
        assert_false(environment_name_is_free(sp_text(taken[i])));
    assert_true(environment_name_is_free(sp_text("LANG")));
    assert_true(environment_name_is_free(sp_text("PATH")));
    assert_true(environment_name_is_free(sp_text("LDAP")));
}

static void later_value_replaces_earlier(void **state)
{
    struct environment e = {0};
    assert_int_equal(environment_set(&e, sp_text("A"), sp_text("1")), 0);
    assert_int_equal(environment_set(&e, sp_text("AB"), sp_text("2")), 0);
    assert_int_equal(environment_set(&e, sp_text("A"), sp_text("3=x")), 0);
    assert_int_equal(e.count, 2);
    assert_string_equal(environment_get(&e, "A"), "3=x");
    assert_null(environment_get(&e, "B"));
    assert_null(e.items[2]);
    environment_free(&e);
}

static void items_that_are_not_free_are_skipped(void **state)
{
    struct environment e = {0};
    assert_int_equal(environment_set_item(&e, "LD_PRELOAD=x", false), 0);
    assert_int_equal(environment_set_item(&e, "novalue", false), 0);
    assert_int_equal(environment_set_item(&e, "=x", false), 0);
    assert_int_equal(e.count, 0);
    assert_int_equal(environment_set_item(&e, "HOME=/x", true), 0);
    assert_string_equal(environment_get(&e, "HOME"), "/x");
    environment_free(&e);
}

static void variables_are_bounded(void **state)
{
    struct environment e = {0};
    char name[16];
    for (unsigned i = 0; i < ENVIRONMENT_MAX; i++) {
        snprintf(name, sizeof name, "V%u", i);
        assert_int_equal(environment_set(&e, sp_text(name), sp_text("")), 0);
    }
    assert_int_equal(environment_set(&e, sp_text("MORE"), sp_text("")), -E2BIG);
    assert_int_equal(environment_set(&e, sp_text("V0"), sp_text("again")), 0);
    assert_null(e.items[ENVIRONMENT_MAX]);
    environment_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_words),
        cmocka_unit_test(what_runs_code_or_is_ours_is_not_free),
        cmocka_unit_test(later_value_replaces_earlier),
        cmocka_unit_test(items_that_are_not_free_are_skipped),
        cmocka_unit_test(variables_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
