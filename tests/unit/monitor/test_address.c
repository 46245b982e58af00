/* Addresses as text and as blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "monitor/address.h"

static struct sockaddr_storage socket_address(const char *text, uint16_t port)
{
    struct sockaddr_storage made = {0};
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&made;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&made;
    if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(port);
        return made;
    }
    made = (struct sockaddr_storage){0};
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    return made;
}

static void addresses_are_numeric_text(void **state)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::1"}, {"::ffff:192.0.2.1", "192.0.2.1"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage from = socket_address(rows[i][0], 65535);
        struct address address = address_of(&from);
        assert_string_equal(address.text, rows[i][1]);
        assert_int_equal(address.port, 65535);
    }
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    assert_string_equal(address_of(&local).text, "");
}

static bool same_block(const char *a, const char *b, unsigned ipv4_bits, unsigned ipv6_bits)
{
    struct sockaddr_storage x = socket_address(a, 1), y = socket_address(b, 2);
    struct address_block p = address_block_of(&x, ipv4_bits, ipv6_bits),
                         q = address_block_of(&y, ipv4_bits, ipv6_bits);
    return address_block_equal(&p, &q);
}

static void blocks_hold_what_their_bits_say(void **state)
{
    (void)state;
    assert_true(same_block("192.0.2.1", "192.0.2.1", 32, 128));
    assert_false(same_block("192.0.2.1", "192.0.2.2", 32, 128));
    assert_true(same_block("192.0.2.1", "192.0.2.254", 24, 128));
    assert_false(same_block("192.0.2.1", "192.0.3.1", 24, 128));
    assert_true(same_block("192.0.2.1", "192.0.3.1", 23, 128));
    assert_true(same_block("1.2.3.4", "200.2.3.4", 0, 128));
    assert_true(same_block("2001:db8::1", "2001:db8::2", 32, 64));
    assert_false(same_block("2001:db8:0:1::1", "2001:db8:0:2::1", 32, 64));
    assert_true(same_block("2001:db8:0:2::1", "2001:db8:0:3::1", 32, 63));
    assert_true(same_block("::ffff:192.0.2.1", "192.0.2.1", 32, 128));
    assert_false(same_block("::", "0.0.0.0", 0, 0)); /* one family is not the other */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_numeric_text),
        cmocka_unit_test(blocks_hold_what_their_bits_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
