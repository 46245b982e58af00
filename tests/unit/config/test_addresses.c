/* Address lists, -C and ListenAddress. */
#include "support.h"

#include "base/addresses.h"

static void matches(const char *address, const char *patterns, int expected)
{
    int result = addresses_match(address, patterns);
    if (result != expected)
        print_error("%s in %s: %d\n", address ? address : "(unknown)", patterns, result);
    assert_int_equal(result, expected);
}

static void matches_single_addresses(void **state)
{
    matches("192.0.2.1", "192.0.2.1", 1);
    matches("192.0.2.1", "192.0.2.10", 0);
    matches("2001:db8::1", "2001:DB8:0::1", 1);
    matches("192.0.2.1", "2001:db8::1", 0);
    matches("fe80::1%eth0", "fe80::1", 1);
    matches("fe80::1%", "fe80::1", 0);
    matches("fe80::1%a/b", "fe80::1", 0);
}

static void matches_blocks_of_every_length(void **state)
{
    matches("192.0.2.130", "192.0.2.128/25", 1);
    matches("192.0.2.127", "192.0.2.128/25", 0);
    matches("192.0.2.1", "192.0.2.1/32", 1);
    matches("192.0.2.1", "0.0.0.0/0", 1);
    matches("2001:db8::1", "0.0.0.0/0", 0);
    matches("192.0.2.1", "::/0", 0);
    matches("2001:db8:0:1::5", "2001:db8::/33", 1);
    matches("2001:db8:8000::5", "2001:db8::/33", 0);
    matches("2001:db8::5", "2001:db8::5/128", 1);
}

static void mapped_addresses_count_as_ipv4(void **state)
{
    matches("::ffff:192.0.2.1", "192.0.2.0/24", 1);
    matches("::ffff:192.0.2.1", "192.0.2.1", 1);
    matches("::ffff:192.0.2.1", "192.0.2.*", 1);
    matches("192.0.2.1", "::ffff:192.0.2.0/120", 1);
    matches("192.0.3.1", "::ffff:192.0.2.0/120", 0);
    matches("192.0.2.1", "::ffff:192.0.2.1", 1);
    matches("192.0.2.1", "::ffff:0:0/90", -2);
}

static void matches_wildcards(void **state)
{
    matches("192.0.2.1", "192.0.2.*", 1);
    matches("192.0.2.1", "192.0.?.1", 1);
    matches("192.0.2.1", "*", 1);
    matches("192.0.2.1", "198.*", 0);
    matches("2001:db8::1", "2001:db8:*", 1);
}

static void negation_wins_wherever_it_stands(void **state)
{
    matches("10.1.2.3", "10.0.0.0/8,!10.1.0.0/16", -1);
    matches("10.1.2.3", "!10.1.0.0/16,10.0.0.0/8", -1);
    matches("10.2.2.3", "10.0.0.0/8,!10.1.0.0/16", 1);
    matches("10.2.2.3", "!10.1.0.0/16", 0);
}

static void malformed_lists_are_told_apart(void **state)
{
    static const char *const lists[] = {
        "",        "192.0.2.1,", ",192.0.2.1",  "192.0.2.1,,192.0.2.2", "192.0.2.1/24",  "192.0.2.0/33",
        "::1/129", "192.0.2.0/", "192.0.2.0/x", "192.0.2.0/-1",         "/24",           "192.0.2.0/24/24",
        "!",       "192.0.2.0 ", "host name",   "192.0.2.0/024x",       "fe80::%eth0/64"};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        matches("192.0.2.1", lists[i], -2);
    /* Malformed is malformed, even behind an item that matches. */
    matches("192.0.2.1", "192.0.2.1,192.0.2.1/8", -2);
}

static void unknown_addresses_match_nothing(void **state)
{
    matches(NULL, "*", 0);
    matches("UNKNOWN", "*", 0);
    matches("", "*", 0);
}

static void host_names_are_patterns_that_match_no_number(void **state)
{
    matches("192.0.2.1", "*.example.com", 0);
    matches("192.0.2.1", "gate.example.com,192.0.2.1", 1);
    assert_true(addresses_are_valid("*.example.com", false));
    assert_false(addresses_are_valid("*.example.com", true));
    assert_false(addresses_are_valid("10.0.0.256", true));
    assert_true(addresses_are_valid("10.0.0.*,!10.0.0.7,fd00::/8", true));
}

static void over_long_items_are_malformed(void **state)
{
    char item[400];
    memset(item, 'a', sizeof item);
    item[300] = '\0';
    matches("192.0.2.1", item, -2);
    item[299] = '\0';
    matches("192.0.2.1", item, 0);
}

static void listens(const char *text, const char *host, uint16_t port)
{
    char got[CONFIG_HOST_MAX] = "";
    uint16_t got_port = 7;
    int result = config_listen_address(text, got, &got_port);
    if (!host) {
        if (result == 0)
            print_error("%s\n", text);
        assert_int_equal(result, CONFIG_E_INVALID);
        return;
    }
    assert_int_equal(result, 0);
    assert_string_equal(got, host);
    assert_int_equal(got_port, port);
}

static void takes_listen_addresses_apart(void **state)
{
    listens("192.0.2.1", "192.0.2.1", 0);
    listens("192.0.2.1:2222", "192.0.2.1", 2222);
    listens("2001:db8::1", "2001:db8::1", 0);
    listens("[2001:db8::1]", "2001:db8::1", 0);
    listens("[2001:db8::1]:22", "2001:db8::1", 22);
    listens("[fe80::1%eth0]:22", "fe80::1%eth0", 22);
    listens("::", "::", 0);
    static const char *const bad[] = {"localhost",
                                      "localhost:22",
                                      "192.0.2.1:",
                                      "192.0.2.1:0",
                                      "192.0.2.1:65536",
                                      "192.0.2.1:2x",
                                      "[192.0.2.1]:22",
                                      "[2001:db8::1",
                                      "[::1]x",
                                      "[::1]:",
                                      "",
                                      "[]",
                                      ":22",
                                      "192.0.2",
                                      "192.0.2.1%eth0"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        listens(bad[i], NULL, 0);
}

static void reads_who_from_the_command_line(void **state)
{
    struct config_who who = {.user = "before"};
    struct config_error error = {0};
    char *storage = NULL;
    assert_int_equal(config_who_parse("addr=::1,laddr=192.0.2.1,lport=2222,listener=front,host=x,rdomain=y",
                                      &who, &storage, &error),
                     0);
    assert_string_equal(who.user, "before");
    assert_string_equal(who.address, "::1");
    assert_string_equal(who.local_address, "192.0.2.1");
    assert_int_equal(who.local_port, 2222);
    assert_string_equal(who.listener, "front");
    free(storage);
    assert_int_equal(config_who_parse("user=al", &who, &storage, &error), 0);
    assert_string_equal(who.user, "al");
    free(storage);
}

static void refuses_what_is_nobody(void **state)
{
    static const char *const bad[] = {"",        "user",    "user=",    "addr=host", "lport=0",
                                      "lport=x", "user=a,", "group=a",  "user=a,b",  "=a",
                                      "laddr=",  "User=a",  "listener="};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct config_who who = {0};
        struct config_error error = {0};
        char *storage = NULL;
        assert_int_equal(config_who_parse(bad[i], &who, &storage, &error), CONFIG_E_INVALID);
        assert_null(storage);
        assert_null(who.user);
        assert_int_equal(strncmp(error.text, "-C", 2), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_single_addresses),
        cmocka_unit_test(matches_blocks_of_every_length),
        cmocka_unit_test(mapped_addresses_count_as_ipv4),
        cmocka_unit_test(matches_wildcards),
        cmocka_unit_test(negation_wins_wherever_it_stands),
        cmocka_unit_test(malformed_lists_are_told_apart),
        cmocka_unit_test(unknown_addresses_match_nothing),
        cmocka_unit_test(host_names_are_patterns_that_match_no_number),
        cmocka_unit_test(over_long_items_are_malformed),
        cmocka_unit_test(takes_listen_addresses_apart),
        cmocka_unit_test(reads_who_from_the_command_line),
        cmocka_unit_test(refuses_what_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
