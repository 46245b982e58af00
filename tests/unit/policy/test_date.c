/* Dates and the seconds that they stand for. */
#include "support.h"

#include <time.h>

#include "policy/date.h"

static void means(const char *text, int64_t second)
{
    int64_t last = 0;
    assert_true(date_parse(text, &last));
    assert_int_equal(last, second);
}

static void refuses(const char *text)
{
    int64_t last = 42;
    if (date_parse(text, &last))
        print_error("%s\n", text);
    assert_false(date_parse(text, &last));
    assert_int_equal(last, 42);
}

static void a_day_counts_to_its_last_second(void **state)
{
    means("2000-01-01", 946771199);
    means("2027-06-30", 1814399999);
    means("2028-02-29", 1835481599);
}

static void seconds_are_exact_in_both_forms(void **state)
{
    means("2027-06-30T12:34:56Z", 1814358896);
    means("20270630123456Z", 1814358896);
    means("2038-01-19T03:14:08Z", INT64_C(2147483648));
    means("9999-12-31T23:59:59Z", INT64_C(253402300799));
}

static void impossible_dates_are_refused(void **state)
{
    static const char *const impossible[] = {
        "2027-02-29",           "2100-02-29", "2027-00-10",           "2027-13-01",
        "2027-04-31",           "2027-01-00", "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z",
        "2027-01-01T00:00:60Z", "1999-12-31", "1970-01-01T00:00:00Z", "20270229000000Z",
    };
    for (size_t i = 0; i < ARRAY_SIZE(impossible); i++)
        refuses(impossible[i]);
}

static void other_forms_are_refused(void **state)
{
    static const char *const other[] = {
        "",
        "2027",
        "2027-6-30",
        "2027-06-30 ",
        "2027-06-30T12:34:56",
        "2027-06-30T12:34:56+01:00",
        "20270630",
        "20270630123456",
        "2027/06/30",
        "30.06.2027",
        "2027-06-30t12:34:56z",
        "+027-06-30",
        "2027-06-3a",
    };
    for (size_t i = 0; i < ARRAY_SIZE(other); i++)
        refuses(other[i]);
}

static void text_and_second_are_inverse(void **state)
{
    char text[DATE_TEXT_MAX];
    for (int64_t second = 946684800; second < INT64_C(253402300799); second += INT64_C(86399 * 97 + 13)) {
        int64_t again = 0;
        time_t when = (time_t)second;
        char libc[DATE_TEXT_MAX];
        assert_true(date_parse(date_text(second, text), &again));
        assert_int_equal(again, second);
        assert_true(strftime(libc, sizeof libc, "%Y-%m-%dT%H:%M:%SZ", gmtime(&when)) != 0);
        assert_string_equal(text, libc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_counts_to_its_last_second), cmocka_unit_test(seconds_are_exact_in_both_forms),
        cmocka_unit_test(impossible_dates_are_refused),    cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(text_and_second_are_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
