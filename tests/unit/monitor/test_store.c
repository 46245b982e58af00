/* Places in the service manager's store: names, bounds, and a manager that does not listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/monitor.h"

static struct monitor monitor;

/* A monitor with nothing but a store; the socket of its manager. */
static int manager_open(void)
{
    int pair[2];
    monitor = (struct monitor){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(sd_event_new(&monitor.event), 0);
    monitor.notify.fd = pair[0];
    assert_int_equal(store_open(&monitor, true), 0);
    return pair[1];
}

static void manager_close(int manager)
{
    store_close(&monitor.store);
    notify_stop(&monitor);
    sd_event_unref(monitor.event);
    close(manager);
}

/* The next thing that it is told, without descriptors; "" if there is nothing. */
static const char *told(int manager)
{
    static char text[256];
    ssize_t size = recv(manager, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static unsigned descriptors_count(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0 ? 1u : 0u;
    return count;
}

static void names_and_numbers_are_the_same_thing(void **state)
{
    char name[STORE_NAME_MAX];
    size_t octets = 0;
    (void)state;
    for (uint16_t slot = 1; slot <= STORE_SLOTS_MAX; slot++) {
        uint16_t read = 0;
        store_name(slot, name);
        assert_true(store_name_read(name, &read));
        assert_int_equal(read, slot);
        octets += STORE_FDS_MAX * (strlen(name) + 1);
    }
    /* All of them in one string of the environment, with room for the names of listening sockets (MAX_ARG_STRLEN). */
    assert_true(octets + 8192 < 128 * 1024);
}

static void names_have_one_form(void **state)
{
    static const char *const bad[] = {"",     "+",     "+0",   "+01", "4k",     "+4K",
                                      "+4k ", "+zzzz", "+zzz", "+-1", "control"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint16_t slot = 7;
        assert_false(store_name_read(bad[i], &slot));
        assert_int_equal(slot, 7);
    }
}

static void what_is_added_and_dropped_is_said_in_order(void **state)
{
    int manager = manager_open();
    (void)state;
    uint16_t a = store_add(&monitor, (int[]){manager}, 1),
             b = store_add(&monitor, (int[]){manager, manager}, 2);
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    store_drop(&monitor, &a);
    assert_int_equal(a, 0);
    assert_string_equal(told(manager), "FDSTORE=1\nFDPOLL=0\nFDNAME=+1\n");
    assert_string_equal(told(manager), "FDSTORE=1\nFDPOLL=0\nFDNAME=+2\n");
    assert_string_equal(told(manager), "FDSTOREREMOVE=1\nFDNAME=+1\n");
    assert_string_equal(told(manager), "");
    store_drop(&monitor, &a); /* nothing */
    assert_string_equal(told(manager), "");
    manager_close(manager);
}

static void there_is_a_number_of_places(void **state)
{
    int manager = manager_open();
    (void)state;
    for (unsigned i = 0; i < STORE_SLOTS_MAX; i++) {
        assert_int_not_equal(store_add(&monitor, (int[]){manager}, 1), 0);
        assert_string_not_equal(told(manager), "");
    }
    assert_int_equal(store_add(&monitor, (int[]){manager}, 1), 0);
    assert_string_equal(told(manager), "");
    uint16_t gone = 4711;
    store_drop(&monitor, &gone);
    assert_int_equal(store_add(&monitor, (int[]){manager}, 1), 4711);
    manager_close(manager);
}

/* What it does not take waits, holds its own descriptors, and comes in order when there is room again. */
static void a_manager_that_does_not_listen_is_not_waited_for(void **state)
{
    int manager = manager_open();
    uint16_t slots[1000];
    unsigned before = descriptors_count(), came = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
        slots[i] = store_add(&monitor, (int[]){0}, 1);
    assert_false(store_is_settled(&monitor.store));
    store_drop(&monitor, &slots[999]); /* not sent yet: nobody is to hear of it */
    for (const char *text; (text = told(manager))[0]; came++) {
        char wanted[64], name[STORE_NAME_MAX];
        store_name(slots[came], name);
        snprintf(wanted, sizeof wanted, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s\n", name);
        assert_string_equal(text, wanted);
        assert_true(store_pump(&monitor) == 0 || !store_is_settled(&monitor.store));
    }
    assert_int_equal(came, 999);
    assert_true(store_is_settled(&monitor.store));
    assert_in_range(descriptors_count(), before, before + 1); /* the clock by which it tries again */
    manager_close(manager);
}

static void a_number_is_used_again_only_behind_its_removal(void **state)
{
    int manager = manager_open();
    uint16_t slot = store_add(&monitor, (int[]){0}, 1);
    (void)state;
    while (store_is_settled(&monitor.store)) /* fills the socket */
        (void)store_add(&monitor, (int[]){0}, 1);
    store_drop(&monitor, &slot);
    for (unsigned i = 0; i < STORE_SLOTS_MAX; i++)
        assert_int_not_equal(store_add(&monitor, (int[]){0}, 1), 1);
    manager_close(manager);
}

static void a_manager_that_has_gone_is_no_reason_to_wait(void **state)
{
    int manager = manager_open();
    (void)state;
    close(manager);
    uint16_t slot = store_add(&monitor, (int[]){0}, 1);
    assert_true(store_is_settled(&monitor.store));
    store_drop(&monitor, &slot);
    assert_true(store_is_settled(&monitor.store));
    manager_close(-1);
}

static void only_names_of_ours_are_taken(void **state)
{
    struct store store = {0};
    unsigned before = descriptors_count();
    (void)state;
    assert_false(store_take(&store, 0, "control"));
    assert_false(store_take(&store, 0, ""));
    assert_false(store_take(&store, 0, "front"));
    assert_true(store_take(&store, dup(0), "+12"));
    assert_true(store_take(&store, dup(0), "+12"));
    assert_true(store_take(&store, dup(0), "+nonsense")); /* and closed */
    assert_int_equal(store.taken_count, 2);
    store_close(&store);
    assert_int_equal(descriptors_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_are_the_same_thing),
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(what_is_added_and_dropped_is_said_in_order),
        cmocka_unit_test(there_is_a_number_of_places),
        cmocka_unit_test(a_manager_that_does_not_listen_is_not_waited_for),
        cmocka_unit_test(a_number_is_used_again_only_behind_its_removal),
        cmocka_unit_test(a_manager_that_has_gone_is_no_reason_to_wait),
        cmocka_unit_test(only_names_of_ours_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
