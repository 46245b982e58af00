/* Pattern lists over names. */
#include "support.h"

#include "policy/names.h"

static void matches_wildcards(void **state)
{
    static const struct {
        const char *value, *pattern;
        int result;
    } rows[] = {
        {"alice", "alice", 1}, {"alice", "Alice", 0}, {"alice", "ali", 0},    {"alice", "alicea", 0},
        {"alice", "a*", 1},    {"alice", "*e", 1},    {"alice", "*", 1},      {"", "*", 1},
        {"alice", "a?ice", 1}, {"alice", "?????", 1}, {"alice", "??????", 0}, {"alice", "*l*c*", 1},
        {"alice", "*l*x*", 0}, {"aab", "*ab", 1},     {"abab", "*ab", 1},     {"alice", "**a**e**", 1},
        {"", "", 0},           {"alice", "", 0},      {"a,b", "a?b", 1},      {"*", "x", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int result = config_match_patterns(rows[i].value, rows[i].pattern);
        if (result != rows[i].result)
            print_error("%s %s\n", rows[i].value, rows[i].pattern);
        assert_int_equal(result, rows[i].result);
    }
}

static void negation_wins_wherever_it_stands(void **state)
{
    assert_int_equal(config_match_patterns("bob", "*,!bob"), -1);
    assert_int_equal(config_match_patterns("bob", "!bob,*"), -1);
    assert_int_equal(config_match_patterns("bob", "!b*"), -1);
    assert_int_equal(config_match_patterns("alice", "*,!bob"), 1);
}

static void negation_alone_matches_nobody(void **state)
{
    assert_int_equal(config_match_patterns("alice", "!bob"), 0);
}

static void many_stars_cost_little(void **state)
{
    static char value[8001], pattern[4001];
    memset(value, 'a', sizeof value - 1);
    for (size_t i = 0; i < sizeof pattern - 1; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof pattern - 2] = 'b';
    assert_int_equal(config_match_patterns(value, pattern), 0);
}

static void users_match_with_their_address(void **state)
{
    assert_true(config_match_user("alice", NULL, "alice"));
    assert_true(config_match_user("alice", "192.0.2.1", "al*@192.0.2.0/24"));
    assert_false(config_match_user("alice", "192.0.3.1", "al*@192.0.2.0/24"));
    assert_false(config_match_user("alice", NULL, "alice@*"));
    assert_false(config_match_user("bob", "192.0.2.1", "alice@192.0.2.1"));
    assert_false(config_match_user("alice", "192.0.2.1", "alice@192.0.2.1/24"));
    /* A single pattern, not a list: a comma is only a comma. */
    assert_false(config_match_user("bob", NULL, "alice,bob"));
}

static void names_are_those_of_rfc_4251(void **state)
{
    char text[66];
    memset(text, 'x', sizeof text);
    assert_true(policy_is_name(sp_span_of(text, 64)));
    assert_false(policy_is_name(sp_span_of(text, 65)));
    assert_false(policy_is_name(sp_span_of(text, 0)));
    assert_false(policy_is_name(sp_text("a b")));
    assert_false(policy_is_name(sp_text("a,b")));
    assert_false(policy_is_name(sp_text("a\x80")));
    assert_true(policy_is_name(sp_text("aes128-gcm@openssh.com")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_wildcards),
        cmocka_unit_test(negation_wins_wherever_it_stands),
        cmocka_unit_test(negation_alone_matches_nobody),
        cmocka_unit_test(many_stars_cost_little),
        cmocka_unit_test(users_match_with_their_address),
        cmocka_unit_test(names_are_those_of_rfc_4251),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
