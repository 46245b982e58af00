/* Text for people: what clients say moves no cursor; times, durations and sizes as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "ctl/terminal.h"

static void nothing_moves_the_cursor(void **state)
{
    char out[64], small[6];
    (void)state;
    assert_string_equal(terminal_text("a\033[2J\x7f\xc3\xa9 b", out, sizeof out),
                        "a\\x1b[2J\\x7f\\xc3\\xa9 b");
    assert_string_equal(terminal_text("abc\033", small, sizeof small), "abc"); /* never half of an escape */
    assert_string_equal(terminal_text("abcdefgh", small, sizeof small), "abcde");
}

static void durations_have_two_units(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{-1, "-"},    {0, "0s"},         {59, "59s"},   {60, "1min"},     {200, "3min 20s"},
                {3600, "1h"}, {7500, "2h 5min"}, {86400, "1d"}, {90000, "1d 1h"}, {86460, "1d"}};
    char out[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(terminal_duration(rows[i].seconds, out), rows[i].text);
}

static void octets_have_three_digits_or_so(void **state)
{
    char out[16];
    (void)state;
    assert_string_equal(terminal_octets(0, out), "0");
    assert_string_equal(terminal_octets(1023, out), "1023");
    assert_string_equal(terminal_octets(1024, out), "1.0K");
    assert_string_equal(terminal_octets(1536 * 1024, out), "1.5M");
    assert_string_equal(terminal_octets(UINT64_MAX, out), "16.0E");
}

static void times_are_the_reader_s(void **state)
{
    char out[32];
    (void)state;
    setenv("TZ", "UTC-2", 1);
    tzset();
    assert_string_equal(terminal_time("2026-11-21T23:30:00Z", out), "2026-11-22 01:30:00");
    assert_string_equal(terminal_time("2026-11-21T23:30:00.123456Z", out), "2026-11-22 01:30:00");
    assert_string_equal(terminal_time("yesterday", out), "-");
    assert_string_equal(terminal_time("", out), "-");
    assert_int_equal(terminal_since("x"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_the_cursor),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(octets_have_three_digits_or_so),
        cmocka_unit_test(times_are_the_reader_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
