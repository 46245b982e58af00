/* Names of listening sockets, and who may speak the PROXY protocol on them. */
#include "support.h"

#include "config/listeners.h"

static void is_called(const char *lines, const char *address, uint16_t port, const char *given,
                      const char *expected)
{
    struct config *config = must_evaluate(lines, &nobody_known);
    char name[CONFIG_LISTENER_MAX + 1] = "?";
    config_listener_name(config, address, port, given, name);
    assert_string_equal(name, expected);
    config_free(config);
}

static void a_socket_has_its_address_for_a_name(void **state)
{
    is_called("", "192.0.2.1", 22, "", "192.0.2.1:22");
    is_called("", "2001:db8::1", 2222, "", "[2001:db8::1]:2222");
    is_called("", "2001:db8:1111:2222:3333:4444:255.255.255.255", 65535, "",
              "[2001:db8:1111:2222:3333:4444:255.255.255.255]:65535");
}

static void the_service_manager_may_name_it(void **state)
{
    is_called("", "192.0.2.1", 22, "front.socket", "front.socket");
    is_called("", "", 0, "front", "front");
    is_called("", "", 0, "", "");
}

static void a_bad_name_of_the_service_manager_is_not_used(void **state)
{
    static const char *const bad[] = {
        "22",       "a b",
        "a,b",      "*",
        "!a",       "192.0.2.9:22",
        "[::1]:22", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        is_called("", "192.0.2.1", 22, bad[i], "192.0.2.1:22");
}

static void the_configuration_names_it_first(void **state)
{
    const char *lines =
        "ListenerName inside 192.0.2.1:22 [2001:db8::1]:22\nListenerName outside 2222 \"23\"\n";
    is_called(lines, "192.0.2.1", 22, "front", "inside");
    is_called(lines, "2001:db8:0::1", 22, "front", "inside");
    is_called(lines, "192.0.2.2", 22, "front", "front");
    is_called(lines, "192.0.2.1", 2222, "front", "outside");
    is_called(lines, "192.0.2.7", 23, "front", "outside");
    is_called("ListenerName a 22\nListenerName b 192.0.2.1:22\n", "192.0.2.1", 22, "", "a");
}

static void names_and_places_are_checked(void **state)
{
    must_refuse("ListenerName front", "test.conf line 1: ListenerName: ", "a name and");
    must_refuse("ListenerName 22 22", "test.conf line 1: ListenerName: ", "a letter");
    must_refuse("ListenerName none 22", "test.conf line 1: ListenerName: ", "a letter");
    must_refuse("ListenerName a:b 22", "test.conf line 1: ListenerName: ", "a letter");
    must_refuse("ListenerName a 0", "test.conf line 1: ListenerName: ", "port number");
    must_refuse("ListenerName a 22 192.0.2.1", "test.conf line 1: ListenerName: ", "192.0.2.1:22");
    must_refuse("ListenerName a localhost:22", "test.conf line 1: ListenerName: ", "localhost:22");
}

static const char *const proxied =
    "ProxyProtocol front 2222 192.0.2.1:24\nProxyTrusted 192.0.2.8 10.0.0.0/8 fd00::/8\n";

static void listeners_are_meant_by_name_or_port(void **state)
{
    struct config *config = must_evaluate(proxied, &nobody_known);
    assert_true(config_listener_is_proxied(config, "front", 22));
    assert_true(config_listener_is_proxied(config, "back", 2222));
    assert_true(config_listener_is_proxied(config, "192.0.2.1:24", 24));
    assert_false(config_listener_is_proxied(config, "192.0.2.2:24", 24));
    assert_false(config_listener_is_proxied(config, "fronts", 22));
    assert_false(config_listener_is_proxied(config, "Front", 22));
    assert_false(config_listener_is_proxied(config, "", 0));
    config_free(config);
}

static void only_the_networks_that_are_named_are_trusted(void **state)
{
    struct config *config = must_evaluate(proxied, &nobody_known);
    assert_true(config_proxy_is_trusted(config, "192.0.2.8"));
    assert_true(config_proxy_is_trusted(config, "::ffff:192.0.2.8"));
    assert_true(config_proxy_is_trusted(config, "10.200.0.1"));
    assert_true(config_proxy_is_trusted(config, "fd12::1"));
    assert_false(config_proxy_is_trusted(config, "192.0.2.9"));
    assert_false(config_proxy_is_trusted(config, "fe80::1"));
    assert_false(config_proxy_is_trusted(config, ""));
    config_free(config);
}

static void nobody_is_trusted_and_nothing_proxied_by_default(void **state)
{
    static const char *const lines[] = {"", "ProxyProtocol none\nProxyTrusted none\n", "ProxyTrusted none\n"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct config *config = must_evaluate(lines[i], &nobody_known);
        assert_false(config_listener_is_proxied(config, "none", 22));
        assert_false(config_proxy_is_trusted(config, "127.0.0.1"));
        config_free(config);
    }
}

static void trust_is_checked(void **state)
{
    static const char *const bad[] = {
        "10.0.0.1/8",  "gate",          "*",   "10.*", "!10.0.0.1", "\"\"", "10.0.0.1,10.0.0.2",
        "10.0.0.0/33", "none 10.0.0.1", "2222"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char text[100];
        snprintf(text, sizeof text, "ProxyTrusted %s", bad[i]);
        must_refuse(text, "test.conf line 1: ProxyTrusted: ", "expected");
    }
    must_refuse("ProxyProtocol 0", "test.conf line 1: ProxyProtocol: ", "names of listening sockets");
    must_refuse("ProxyProtocol front*", "test.conf line 1: ProxyProtocol: ", "names of listening sockets");
    must_refuse("ProxyProtocol none 22", "test.conf line 1: ProxyProtocol: ", "alone");
    must_refuse("Match all\nProxyProtocol 22", "test.conf line 2: ProxyProtocol: ", "before the first Match");
}

static void a_listener_for_balancers_needs_one(void **state)
{
    must_refuse("Port 22\nProxyProtocol 22\n", "test.conf line 2: ProxyProtocol: ", "ProxyTrusted");
    must_refuse("ProxyProtocol 22\nProxyTrusted none\n", "test.conf line 1: ProxyProtocol: ", "ProxyTrusted");
}

static void what_is_printed_means_the_same(void **state)
{
    const char *lines =
        "ListenerName inside 192.0.2.1:22 [::1]:22\nListenerName out \"23\"\nProxyProtocol inside 23\n"
        "ProxyTrusted 10.0.0.0/8 ::1\n";
    struct config *config = must_evaluate(lines, &nobody_known);
    char *text = must_print(config);
    assert_non_null(strstr(text, "\nlistenername inside 192.0.2.1:22 [::1]:22\n"));
    assert_non_null(strstr(text, "\nproxyprotocol inside 23\n"));
    assert_non_null(strstr(text, "\nproxytrusted 10.0.0.0/8 ::1\n"));
    is_called(text, "::1", 22, "", "inside");
    is_called(text, "::1", 23, "", "out");
    free(text);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_has_its_address_for_a_name),
        cmocka_unit_test(the_service_manager_may_name_it),
        cmocka_unit_test(a_bad_name_of_the_service_manager_is_not_used),
        cmocka_unit_test(the_configuration_names_it_first),
        cmocka_unit_test(names_and_places_are_checked),
        cmocka_unit_test(listeners_are_meant_by_name_or_port),
        cmocka_unit_test(only_the_networks_that_are_named_are_trusted),
        cmocka_unit_test(nobody_is_trusted_and_nothing_proxied_by_default),
        cmocka_unit_test(trust_is_checked),
        cmocka_unit_test(a_listener_for_balancers_needs_one),
        cmocka_unit_test(what_is_printed_means_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
