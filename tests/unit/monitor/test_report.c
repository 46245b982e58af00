/* The table of what another policy would have refused: counts, and its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "monitor/report.h"

static void add(struct report *report, const char *address, const char *what, int64_t now)
{
    assert_int_equal(report_add(report, address, sp_text(what), sp_text("a detail"), now), 0);
}

static void counts_by_client_and_list(void **state)
{
    struct report report = {0};
    add(&report, "192.0.2.1", "KexAlgorithms", 10);
    add(&report, "192.0.2.2", "Ciphers", 11);
    add(&report, "192.0.2.1", "KexAlgorithms", 12);
    add(&report, "192.0.2.1", "RequireStrictKex", 13);
    const struct report_client *client = report_find(&report, "192.0.2.1");
    assert_non_null(client);
    assert_int_equal(client->count, 3);
    assert_int_equal(client->first, 10);
    assert_int_equal(client->last, 13);
    assert_int_equal(client->kinds, 2);
    assert_string_equal(client->by_kind[0].what, "KexAlgorithms");
    assert_int_equal(client->by_kind[0].count, 2);
    assert_string_equal(client->by_kind[1].what, "RequireStrictKex");
    assert_string_equal(client->detail, "a detail");
    assert_ptr_equal(report.newest, client);
    assert_int_equal(report.clients, 2);
    assert_int_equal(report.count, 4);
    assert_null(report_find(&report, "192.0.2.3"));
    report_free(&report);
    assert_int_equal(report.clients, 0);
}

static void the_client_that_was_heard_of_least_recently_goes(void **state)
{
    struct report report = {0};
    char address[32];
    for (unsigned i = 0; i < REPORT_CLIENTS_MAX; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        add(&report, address, "Ciphers", i);
    }
    assert_int_equal(report.clients, REPORT_CLIENTS_MAX);
    add(&report, "10.0.0.0", "Ciphers", 5000); /* the first is heard of again, so the second is the oldest */
    add(&report, "192.0.2.1", "Ciphers", 5001);
    assert_int_equal(report.clients, REPORT_CLIENTS_MAX);
    assert_int_equal(report.forgotten, 1);
    assert_non_null(report_find(&report, "10.0.0.0"));
    assert_null(report_find(&report, "10.0.0.1"));
    assert_non_null(report_find(&report, "192.0.2.1"));
    report_free(&report);
}

static void a_client_has_so_many_kinds(void **state)
{
    struct report report = {0};
    char what[32];
    for (unsigned i = 0; i < 3 * REPORT_KINDS_MAX; i++) {
        snprintf(what, sizeof what, "Kind%u", i);
        add(&report, "192.0.2.1", what, i);
    }
    const struct report_client *client = report_find(&report, "192.0.2.1");
    assert_int_equal(client->kinds, REPORT_KINDS_MAX);
    assert_int_equal(client->count, 3 * REPORT_KINDS_MAX);
    assert_int_equal(client->by_kind[REPORT_KINDS_MAX - 1].count, 2 * REPORT_KINDS_MAX + 1);
    report_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_client_and_list),
        cmocka_unit_test(the_client_that_was_heard_of_least_recently_goes),
        cmocka_unit_test(a_client_has_so_many_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
