/* session/expand.c: the paths of AuthorizedKeysFile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "session/account.h"
#include "session/expand.h"

static const char *expanded(const char *pattern, bool valid)
{
    static char path[256];
    char home[] = "/home/alice";
    const struct account account = {.name = "alice", .uid = 1000, .home = home, .valid = valid};
    return expand_path(pattern, &account, path, sizeof path) ? NULL : path;
}

static void tokens_are_replaced_once(void **state)
{
    assert_string_equal(expanded("/etc/keys/%u", true), "/etc/keys/alice");
    assert_string_equal(expanded("%h/x", true), "/home/alice/x");
    assert_string_equal(expanded("/k/%U%%u", true), "/k/1000%u");
}

static void relative_paths_are_in_the_home(void **state)
{
    assert_string_equal(expanded(".ssh/authorized_keys", true), "/home/alice/.ssh/authorized_keys");
}

static void account_that_is_not_valid_has_no_files(void **state)
{
    assert_string_equal(expanded(".ssh/authorized_keys", false), "/nonexistent/.ssh/authorized_keys");
    assert_string_equal(expanded("/etc/keys/%u", false), "/etc/keys/invalid-user");
}

static void unknown_tokens_are_invalid(void **state)
{
    assert_null(expanded("/x/%d", true));
    assert_null(expanded("/x/%", true));
}

static void long_results_are_invalid(void **state)
{
    char pattern[300];
    memset(pattern, 'x', sizeof pattern);
    pattern[0] = '/';
    pattern[256] = 0;
    assert_null(expanded(pattern, true));
    pattern[255] = 0;
    assert_non_null(expanded(pattern, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_replaced_once),
        cmocka_unit_test(relative_paths_are_in_the_home),
        cmocka_unit_test(account_that_is_not_valid_has_no_files),
        cmocka_unit_test(unknown_tokens_are_invalid),
        cmocka_unit_test(long_results_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
