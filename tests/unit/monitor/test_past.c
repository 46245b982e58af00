/* The last records: bounded in number and octets, filtered, in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/past.h"

static void add(struct past *past, uint64_t connection, const char *event, const char *line)
{
    past_add(past, connection, event, sp_text(line));
}

static void expect(const struct past *past, const struct past_filter *filter, size_t most, const char *wanted)
{
    char *text;
    size_t size;
    assert_int_equal(past_text(past, filter, most, &text, &size), 0);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(text, wanted, size);
    free(text);
}

static void the_newest_come_last(void **state)
{
    struct past past = {0};
    const struct past_filter all = {0};
    (void)state;
    expect(&past, &all, 10, "");
    add(&past, 1, "login", "a");
    add(&past, 2, "ended", "b");
    add(&past, 1, "ended", "c");
    expect(&past, &all, 10, "a\nb\nc\n");
    expect(&past, &all, 2, "b\nc\n");
    expect(&past, &all, 0, "");
    past_free(&past);
}

static void filters_count_what_they_let_through(void **state)
{
    struct past past = {0};
    (void)state;
    add(&past, 1, "login", "a");
    add(&past, 2, "ended", "b");
    add(&past, 1, "ended", "c");
    add(&past, 2, "ended", "d");
    expect(&past, &(struct past_filter){.connection = 1}, 10, "a\nc\n");
    expect(&past, &(struct past_filter){.event = "ended"}, 2, "c\nd\n");
    expect(&past, &(struct past_filter){.connection = 1, .event = "ended"}, 10, "c\n");
    expect(&past, &(struct past_filter){.connection = 3}, 10, "");
    past_free(&past);
}

static void records_are_bounded_in_number(void **state)
{
    struct past past = {0};
    char line[32];
    (void)state;
    for (unsigned i = 0; i < PAST_RECORDS_MAX + 10; i++) {
        snprintf(line, sizeof line, "%u", i);
        add(&past, 0, "x", line);
    }
    assert_int_equal(past.count, PAST_RECORDS_MAX);
    assert_memory_equal(past.oldest->line, "10", 2);
    past_free(&past);
    assert_int_equal(past.octets, 0);
}

static void records_are_bounded_in_octets(void **state)
{
    struct past past = {0};
    static uint8_t line[4096];
    (void)state;
    memset(line, 'x', sizeof line);
    for (unsigned i = 0; i < 500; i++)
        past_add(&past, i, "x", sp_span_of(line, sizeof line));
    assert_true(past.octets <= PAST_OCTETS_MAX);
    assert_true(past.octets > PAST_OCTETS_MAX - 2 * sizeof line);
    assert_int_equal(past.newest->connection, 499);
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_come_last),
        cmocka_unit_test(filters_count_what_they_let_through),
        cmocka_unit_test(records_are_bounded_in_number),
        cmocka_unit_test(records_are_bounded_in_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
