/* Two policies compared. */
#include "support.h"

#include "ctl/policy.h"

static json_t *difference;

static bool compare(const char *before, const char *after)
{
    json_t *one = json_loads(before, 0, NULL), *other = json_loads(after, 0, NULL);
    json_decref(difference);
    difference = json_object();
    assert_non_null(one);
    assert_non_null(other);
    bool differs = difference_find(one, other, difference);
    json_decref(one);
    json_decref(other);
    return differs;
}

static const json_t *first_list(void)
{
    return json_array_get(json_object_get(difference, "lists"), 0);
}

static int end(void **state)
{
    (void)state;
    json_decref(difference);
    difference = NULL;
    return 0;
}

#define POLICY(list_, exceptions_, rules_)                                                                   \
    "{\"lists\":{\"MACs\":[" list_ "]},\"exceptions\":[" exceptions_ "],\"rules\":{" rules_ "}}"

static void the_same_is_no_difference(void **state)
{
    (void)state;
    assert_false(compare(POLICY("\"a\",\"b\"", "", "\"R\":\"1\""), POLICY("\"a\",\"b\"", "", "\"R\":\"1\"")));
}

static void names_come_and_go(void **state)
{
    (void)state;
    assert_true(compare(POLICY("\"a\",\"b\"", "", ""), POLICY("\"b\",\"c\"", "", "")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(first_list(), "removed"), 0)), "a");
    assert_string_equal(json_string_value(json_array_get(json_object_get(first_list(), "added"), 0)), "c");
    assert_false(found_is(first_list(), "reordered"));
}

static void another_order_is_a_difference(void **state)
{
    (void)state;
    assert_true(compare(POLICY("\"a\",\"b\",\"c\"", "", ""), POLICY("\"x\",\"b\",\"a\"", "", "")));
    assert_true(found_is(first_list(), "reordered"));
}

static void rules_are_compared_both_ways(void **state)
{
    (void)state;
    assert_true(compare(POLICY("", "", "\"R\":\"1\""), POLICY("", "", "\"S\":\"2\"")));
    assert_int_equal(json_array_size(json_object_get(difference, "rules")), 2);
}

static void an_exception_is_the_same_wherever_it_stands(void **state)
{
    (void)state;
    assert_false(compare(POLICY("", "{\"name\":\"a\",\"origin\":\"x line 1\"}", ""),
                         POLICY("", "{\"name\":\"a\",\"origin\":\"y line 2\"}", "")));
    assert_true(compare(POLICY("", "{\"name\":\"a\",\"origin\":\"x line 1\"}", ""),
                        POLICY("", "{\"name\":\"a\",\"not_after\":\"2030\",\"origin\":\"x line 1\"}", "")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_same_is_no_difference, end),
        cmocka_unit_test_teardown(names_come_and_go, end),
        cmocka_unit_test_teardown(another_order_is_a_difference, end),
        cmocka_unit_test_teardown(rules_are_compared_both_ways, end),
        cmocka_unit_test_teardown(an_exception_is_the_same_wherever_it_stands, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
