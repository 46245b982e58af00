/* Listening sockets: numeric addresses only, a bound on their number, a port that the kernel chose shown as it is. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "child.h"

#include "base/listen.h"

static void the_kernels_port_is_shown(void **state)
{
    struct listen_sockets sockets = {0};
    char text[LISTEN_TEXT_MAX];
    unsigned port = 0;
    (void)state;
    assert_int_equal(listen_add(&sockets, "127.0.0.1", 0), 0);
    listen_text(sockets.fds[0], text, sizeof text);
    assert_int_equal(sscanf(text, "127.0.0.1:%u", &port), 1);
    assert_true(port != 0);
    assert_true(fcntl(sockets.fds[0], F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(sockets.fds[0], F_GETFL) & O_NONBLOCK);
    assert_int_equal(listen_add(&sockets, "127.0.0.1", (uint16_t)port), -EADDRINUSE);
    listen_close(&sockets);
    assert_int_equal(sockets.count, 0);
    listen_close(&sockets);
}

static void names_are_not_looked_up(void **state)
{
    static const char *const rows[] = {"localhost", "",       "*",     "127.1",
                                       "1.2.3.4.5", "::1%lo", "[::1]", "127.0.0.1 "};
    struct listen_sockets sockets = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(listen_add(&sockets, rows[i], 0), -EINVAL);
    assert_int_equal(sockets.count, 0);
}

static void their_number_is_bounded(void **state)
{
    struct listen_sockets sockets = {0};
    (void)state;
    for (unsigned i = 0; i < LISTEN_SOCKETS_MAX; i++)
        assert_int_equal(listen_add(&sockets, "127.0.0.1", 0), 0);
    assert_int_equal(listen_add(&sockets, "127.0.0.1", 0), -E2BIG);
    listen_close(&sockets);
}

static void ipv6_does_not_take_ipv4s_port(void **state)
{
    struct listen_sockets sockets = {0};
    char text[LISTEN_TEXT_MAX];
    unsigned port = 0;
    (void)state;
    int r = listen_add(&sockets, "::", 0);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)
        skip();
    assert_int_equal(r, 0);
    listen_text(sockets.fds[0], text, sizeof text);
    assert_int_equal(sscanf(text, "[::]:%u", &port), 1);
    assert_int_equal(listen_add(&sockets, "0.0.0.0", (uint16_t)port), 0);
    listen_close(&sockets);
}

static void what_is_no_socket_has_no_address(void **state)
{
    char text[LISTEN_TEXT_MAX];
    (void)state;
    listen_text(-1, text, sizeof text);
    assert_string_equal(text, "?");
    listen_text(STDERR_FILENO, text, sizeof text);
    assert_string_equal(text, "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_port_is_shown),        cmocka_unit_test(names_are_not_looked_up),
        cmocka_unit_test(their_number_is_bounded),          cmocka_unit_test(ipv6_does_not_take_ipv4s_port),
        cmocka_unit_test(what_is_no_socket_has_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
