/* Budgets: one request at a time per connection, a burst, then a rate; and nothing kept for those who have recovered. */
#include "support.h"

#include "signer/budget.h"

static struct request *const some_request = (struct request *)(uintptr_t)16; /* never looked at */

static int open_budget(void **state)
{
    struct budget *budget = NULL;
    int r = budget_new(&budget);
    *state = budget;
    return r;
}

static int close_budget(void **state)
{
    budget_free(*state);
    return 0;
}

static uint64_t take(struct budget *budget, uint64_t connection, uint64_t now)
{
    uint64_t release = 0;
    assert_int_equal(budget_take(budget, connection, now, some_request, &release), 0);
    budget_done(budget, connection);
    return release - now;
}

static void one_request_at_a_time(void **state)
{
    uint64_t release = 77;
    assert_int_equal(budget_take(*state, 1, 0, some_request, &release), 0);
    assert_ptr_equal(budget_outstanding(*state, 1), some_request);
    assert_int_equal(budget_take(*state, 1, 0, some_request, &release), BUDGET_E_OUTSTANDING);
    assert_int_equal(budget_take(*state, 2, 0, some_request, &release), 0);
    budget_done(*state, 1);
    assert_null(budget_outstanding(*state, 1));
    assert_int_equal(budget_take(*state, 1, 0, some_request, &release), 0);
    assert_null(budget_outstanding(*state, 3));
}

static void a_burst_then_a_rate(void **state)
{
    for (unsigned i = 0; i < BUDGET_BURST; i++)
        assert_int_equal(take(*state, 1, 1000), 0);
    uint64_t first = take(*state, 1, 1000), second = take(*state, 1, 1000);
    assert_in_range(first, 1, 1000 / BUDGET_PER_S);
    assert_in_range(second, first + 1, 2 * 1000 / BUDGET_PER_S);
    assert_int_equal(take(*state, 2, 1000), 0); /* the others' affair it is not */
}

static void recovers_with_time(void **state)
{
    for (unsigned i = 0; i < BUDGET_BURST + 10; i++)
        (void)take(*state, 1, 1000);
    uint64_t later = 1000 + 2000;
    assert_int_equal(take(*state, 1, later), 0);
    for (unsigned i = 0; i < BUDGET_BURST; i++)
        assert_int_equal(take(*state, 1, later + 20000), 0);
}

static void forgets_who_has_recovered(void **state)
{
    for (uint64_t i = 0; i < 20000; i++)
        (void)take(*state, i, i * 10);
    assert_in_range(budget_count(*state), 1, 10000);
}

static void keeps_who_waits(void **state)
{
    uint64_t release;
    assert_int_equal(budget_take(*state, 5, 0, some_request, &release), 0);
    for (uint64_t i = 100; i < 20000; i++)
        (void)take(*state, i, i * 10);
    assert_ptr_equal(budget_outstanding(*state, 5), some_request);
}

static void forgets_on_demand(void **state)
{
    (void)take(*state, 1, 0);
    (void)take(*state, 1025, 0); /* the same head of the table */
    assert_int_equal(budget_count(*state), 2);
    budget_forget(*state, 1);
    budget_forget(*state, 1);
    budget_forget(*state, 99);
    assert_int_equal(budget_count(*state), 1);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_budget, close_budget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_request_at_a_time),     TEST(a_burst_then_a_rate), TEST(recovers_with_time),
        TEST(forgets_who_has_recovered), TEST(keeps_who_waits),     TEST(forgets_on_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
