/* session/account.c: names, and the rules that need no credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/config.h"
#include "session/account.h"

static struct config *config_of(const char *text)
{
    struct config_source *source;
    struct config_error error;
    struct config *config;
    const struct config_who who = {.user = "alice", .address = "192.0.2.7"};
    assert_int_equal(config_source_parse("test", sp_text(text), &source, &error), 0);
    assert_int_equal(config_evaluate(source, &who, &config, &error), 0);
    config_source_free(source);
    return config;
}

static bool is_valid(const char *rules, uid_t uid, const char *group)
{
    char shell[] = "/bin/sh", home[] = "/";
    char name[32];
    char *groups[] = {name};
    struct account account = {.name = "alice",
                              .name_ok = true,
                              .exists = true,
                              .uid = uid,
                              .home = home,
                              .shell = shell,
                              .group_names = groups,
                              .group_name_count = 1};
    strcpy(name, group);
    struct config *config = config_of(rules);
    account_judge(&account, config, "192.0.2.7");
    assert_int_equal(account.valid, account.reason[0] == 0);
    config_free(config);
    return account.valid;
}

static void names_that_mean_something_else_are_refused(void **state)
{
    const char *const bad[] = {"",      "-froot", "a/b",   "..", ".",   "a b", "a:b",  "a,b",  "a\nb",
                               "a\x7f", "a*b",    "~root", "$x", "a;b", "a%u", "`id`", "a\tb", "(uid=*)"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(account_name_ok(bad[i]));
    assert_true(account_name_ok("alice"));
    assert_true(account_name_ok("alice.b-c_d@example.org"));
    assert_true(account_name_ok("DOMAIN\\alice"));
    assert_true(account_name_ok("j\xc3\xbcrgen"));
}

static void long_names_are_refused(void **state)
{
    char name[258];
    memset(name, 'a', sizeof name);
    name[256] = 0;
    assert_false(account_name_ok(name));
    name[255] = 0;
    assert_true(account_name_ok(name));
}

static void rules_decide(void **state)
{
    assert_true(is_valid("", 1000, "users"));
    assert_false(is_valid("DenyUsers alice\n", 1000, "users"));
    assert_false(is_valid("DenyUsers alice\nAllowUsers alice\n", 1000, "users"));
    assert_false(is_valid("AllowUsers bob\n", 1000, "users"));
    assert_true(is_valid("AllowUsers bob ali*\n", 1000, "users"));
    assert_true(is_valid("AllowUsers alice@192.0.2.0/24\n", 1000, "users"));
    assert_false(is_valid("AllowUsers alice@10.0.0.0/8\n", 1000, "users"));
    assert_false(is_valid("DenyGroups users\n", 1000, "users"));
    assert_false(is_valid("AllowGroups wheel\n", 1000, "users"));
    assert_true(is_valid("AllowGroups wheel us*\n", 1000, "users"));
    assert_false(is_valid("AllowGroups wheel,users\n", 1000, "users")); /* one pattern, as in sshd */
}

static void permit_root_login_decides_by_method(void **state)
{
    static const struct {
        const char *rule;
        bool password, key, forced_key;
    } rows[] = {
        {"PermitRootLogin yes\n", true, true, true},
        {"PermitRootLogin prohibit-password\n", false, true, true},
        {"PermitRootLogin forced-commands-only\n", false, false, true},
        {"PermitRootLogin no\n", false, false, false},
    };
    char shell[] = "/bin/sh", home[] = "/";
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct account root = {.name = "root", .name_ok = true, .exists = true, .home = home, .shell = shell};
        struct config *config = config_of(rows[i].rule);
        account_judge(&root, config, "192.0.2.7");
        assert_int_equal(account_may_use(&root, config, "password", false), rows[i].password);
        assert_int_equal(account_may_use(&root, config, "keyboard-interactive", true), rows[i].password);
        assert_int_equal(account_may_use(&root, config, "publickey", false), rows[i].key);
        assert_int_equal(account_may_use(&root, config, "publickey", true), rows[i].forced_key);
        config_free(config);
    }
}

static void unknown_name_becomes_nobody(void **state)
{
    struct account account;
    assert_int_equal(account_find("no-such-user-here", &account), 0);
    assert_false(account.exists);
    assert_int_equal(account.uid, ACCOUNT_NOBODY);
    account_free(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_mean_something_else_are_refused),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(rules_decide),
        cmocka_unit_test(permit_root_login_decides_by_method),
        cmocka_unit_test(unknown_name_becomes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
