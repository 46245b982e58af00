/* Who may ask at the control socket, and how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/control.h"

static struct control control;

/* As on_connect() has them: in a place of their own, with what the kernel says of them. */
static void clients_be(size_t count, uid_t uid)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX && count != 0; i++) {
        struct control_client *c = &control.clients[i];
        if (watch_is_open(&c->watch))
            continue;
        c->watch.link.peer = ROLE_CTL;
        c->watch.link.fd = 0;
        c->uid = uid;
        count--;
    }
}

static void others_leave_places_for_root(void **state)
{
    (void)state;
    control = (struct control){0};
    clients_be(CONTROL_OTHERS_MAX - 1, 1000);
    assert_true(control_has_place(&control, 1000));
    clients_be(1, 1001);
    assert_false(control_has_place(&control, 1000));
    assert_false(control_has_place(&control, 1002));
    assert_true(control_has_place(&control, 0));
    assert_true(CONTROL_OTHERS_MAX < CONTROL_CLIENTS_MAX);
}

static void roots_are_not_counted_among_them(void **state)
{
    (void)state;
    control = (struct control){0};
    clients_be(CONTROL_CLIENTS_MAX - 1, 0);
    assert_true(control_has_place(&control, 1000));
}

static void one_that_has_gone_has_no_place(void **state)
{
    (void)state;
    control = (struct control){0};
    clients_be(CONTROL_OTHERS_MAX, 1000);
    control.clients[2].watch.link.fd = -1;
    assert_true(control_has_place(&control, 1000));
}

static void root_alone_changes_anything(void **state)
{
    (void)state;
    assert_true(control_may(0, true));
    assert_false(control_may(1, true));
    assert_false(control_may((uid_t)-1, true));
    assert_true(control_may(1000, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_leave_places_for_root),
        cmocka_unit_test(roots_are_not_counted_among_them),
        cmocka_unit_test(one_that_has_gone_has_no_place),
        cmocka_unit_test(root_alone_changes_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
