/* Figures: by the names of the registry and no others, and who may have something changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sallyport/kex.h>
#include <sallyport/registry.h>

#include "monitor/control.h"
#include "monitor/metrics.h"

static uint64_t count_of(const struct metric_names *names, enum metric_kind kind, const char *name)
{
    for (size_t i = 0; metric_name_at(kind, i); i++)
        if (strcmp(metric_name_at(kind, i), name) == 0)
            return names->count[i];
    fail_msg("there is no %s", name);
    return 0;
}

static void names_of_the_registry_are_counted_apart(void **state)
{
    struct metric_names names = {0};
    (void)state;
    metric_name_count(&names, METRIC_CIPHER, sp_text("aes256-ctr"));
    metric_name_count(&names, METRIC_CIPHER, sp_text("aes256-ctr"));
    metric_name_count(&names, METRIC_CIPHER, sp_text("aes128-ctr"));
    assert_int_equal(count_of(&names, METRIC_CIPHER, "aes256-ctr"), 2);
    assert_int_equal(count_of(&names, METRIC_CIPHER, "aes128-ctr"), 1);
    assert_int_equal(count_of(&names, METRIC_CIPHER, "other"), 0);
}

static void all_other_names_are_one(void **state)
{
    struct metric_names names = {0};
    char name[32];
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "invented-%u", i);
        metric_name_count(&names, METRIC_METHOD, sp_text(name));
    }
    metric_name_count(&names, METRIC_METHOD, (struct sp_span){0});
    assert_int_equal(count_of(&names, METRIC_METHOD, "other"), 1001);
}

static void every_kind_ends_with_other(void **state)
{
    (void)state;
    for (int kind = 0; kind < METRIC_KINDS; kind++) {
        size_t i = 0;
        while (metric_name_at((enum metric_kind)kind, i))
            i++;
        assert_in_range(i, 2, METRIC_NAMES_MAX + 1);
        assert_string_equal(metric_name_at((enum metric_kind)kind, i - 1), "other");
    }
}

/* The monitor does not link the methods: it goes by their names, which have to say what they say of themselves. */
static void methods_are_what_their_names_say(void **state)
{
    size_t post_quantum = 0;
    (void)state;
    for (size_t i = 0; kex_info_at(i); i++) {
        const struct sp_kex_info *info = kex_info_at(i);
        assert_int_equal(metric_is_post_quantum(sp_text(info->head.name)), info->post_quantum);
        post_quantum += info->post_quantum;
    }
    assert_true(post_quantum >= 1);
}

static void a_duration_is_in_the_first_bucket_that_holds_it(void **state)
{
    struct metric_histogram h = {0};
    (void)state;
    metric_histogram_add(&h, 0);
    metric_histogram_add(&h, 1000);
    metric_histogram_add(&h, 1001);
    metric_histogram_add(&h, 99000000);
    assert_int_equal(h.buckets[0], 2);
    assert_int_equal(h.buckets[1], 1);
    assert_int_equal(h.count, 4);
    assert_int_equal(h.sum_us, 99002001);
    for (size_t i = 1; i < METRIC_BUCKETS; i++)
        assert_true(metric_bounds_us[i] > metric_bounds_us[i - 1]);
}

static void root_alone_changes_something(void **state)
{
    (void)state;
    assert_true(control_may(0, true));
    assert_true(control_may(0, false));
    assert_true(control_may(1000, false));
    assert_false(control_may(1000, true));
    assert_false(control_may((uid_t)-1, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_registry_are_counted_apart),
        cmocka_unit_test(all_other_names_are_one),
        cmocka_unit_test(every_kind_ends_with_other),
        cmocka_unit_test(methods_are_what_their_names_say),
        cmocka_unit_test(a_duration_is_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(root_alone_changes_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
