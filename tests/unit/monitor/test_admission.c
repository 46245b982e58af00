/* Admission: sshd's arithmetic, the limits of each source, and that nobody can keep all others out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "monitor/admission.h"

#define HOUSE 300

static const struct admission_limits sshd_default = {
    .begin = 10, .rate = 30, .full = 100, .per_source = UINT32_MAX, .connections = 4096};

struct house {
    struct admission admission;
    struct admission_ticket tickets[HOUSE];
    size_t count;
};

static struct house *house_open(void)
{
    struct house *h = calloc(1, sizeof *h);
    assert_non_null(h);
    return h;
}

static void house_close(struct house *h)
{
    for (size_t i = 0; i < h->count; i++)
        admission_leave(&h->admission, &h->tickets[i], 0);
    assert_int_equal(h->admission.startups, 0);
    admission_free(&h->admission);
    free(h);
}

static struct address_block from(unsigned number)
{
    return (struct address_block){
        .family = 4, .bytes = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct admission_ticket *enter(struct house *h, unsigned source)
{
    struct address_block block = from(source);
    assert_true(h->count < HOUSE);
    assert_int_equal(admission_enter(&h->admission, &block, &h->tickets[h->count]), 0);
    h->admission.connections++;
    return &h->tickets[h->count++];
}

static void enter_many(struct house *h, unsigned source, size_t count)
{
    for (size_t i = 0; i < count; i++)
        enter(h, source);
}

static enum admission_verdict ask(struct house *h, const struct admission_limits *limits, unsigned source,
                                  uint32_t dice)
{
    struct admission_ticket *victim = NULL;
    struct address_block block = from(source);
    return admission_check(&h->admission, limits, &block, dice, 1000, &victim);
}

/* How many of the hundred throws are refused with that many inside, all of one source. */
static unsigned refused_percent(size_t inside, const struct admission_limits *limits)
{
    struct house *h = house_open();
    unsigned refused = 0;
    enter_many(h, 1, inside);
    for (uint32_t dice = 0; dice < 100; dice++)
        refused += ask(h, limits, 1, dice) == ADMISSION_E_STARTUPS;
    house_close(h);
    return refused;
}

static void early_drop_grows_as_sshd_has_it(void **state)
{
    (void)state;
    /* sshd_config(5): 30 percent at 10, linearly to 100 percent at 100 */
    assert_int_equal(refused_percent(0, &sshd_default), 0);
    assert_int_equal(refused_percent(9, &sshd_default), 0);
    assert_int_equal(refused_percent(10, &sshd_default), 30);
    assert_int_equal(refused_percent(55, &sshd_default), 65);
    assert_int_equal(refused_percent(99, &sshd_default), 99);
    assert_int_equal(refused_percent(100, &sshd_default), 100);
    assert_int_equal(refused_percent(150, &sshd_default), 100);
}

static void a_rate_of_100_is_a_hard_limit(void **state)
{
    const struct admission_limits hard = {
        .begin = 2, .rate = 100, .full = 2, .per_source = 9, .connections = 9};
    (void)state;
    assert_int_equal(refused_percent(1, &hard), 0);
    assert_int_equal(refused_percent(2, &hard), 100);
}

static void begin_equal_to_full_divides_by_nothing(void **state)
{
    const struct admission_limits same = {
        .begin = 5, .rate = 30, .full = 5, .per_source = 9, .connections = 9};
    (void)state;
    assert_int_equal(refused_percent(4, &same), 0);
    assert_int_equal(refused_percent(5, &same), 100);
}

static void one_source_cannot_keep_others_out(void **state)
{
    struct house *h = house_open();
    (void)state;
    enter_many(h, 1, 100);
    for (uint32_t dice = 0; dice < 100; dice++) {
        struct admission_ticket *victim = NULL;
        struct address_block block = from(2);
        assert_int_equal(admission_check(&h->admission, &sshd_default, &block, dice, 1000, &victim),
                         ADMISSION_E_REPLACE);
        assert_ptr_equal(victim, &h->tickets[0]); /* the oldest of the source that holds most */
        assert_int_equal(ask(h, &sshd_default, 1, dice), ADMISSION_E_STARTUPS);
    }
    house_close(h);
}

static void many_sources_cannot_push_each_other_out(void **state)
{
    struct house *h = house_open();
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        enter(h, i);
    assert_int_equal(ask(h, &sshd_default, 200, 99), ADMISSION_E_STARTUPS); /* would only trade places */
    enter(h, 7);
    assert_int_equal(ask(h, &sshd_default, 200, 99), ADMISSION_E_REPLACE);
    house_close(h);
}

static void a_source_has_its_own_limit(void **state)
{
    struct admission_limits limits = sshd_default;
    struct house *h = house_open();
    (void)state;
    limits.per_source = 3;
    enter_many(h, 1, 3);
    assert_int_equal(ask(h, &limits, 1, 99), ADMISSION_E_PER_SOURCE);
    assert_int_equal(ask(h, &limits, 2, 99), ADMISSION_OK);
    admission_leave(&h->admission, &h->tickets[1], 0);
    assert_int_equal(ask(h, &limits, 1, 99), ADMISSION_OK);
    house_close(h);
}

static void all_connections_together_are_limited(void **state)
{
    struct admission_limits limits = sshd_default;
    struct house *h = house_open();
    (void)state;
    limits.connections = 4;
    enter_many(h, 1, 3);
    assert_int_equal(ask(h, &limits, 1, 99), ADMISSION_OK);
    enter(h, 1);
    admission_leave(&h->admission, &h->tickets[0], 0); /* logged in, but still connected */
    assert_int_equal(ask(h, &limits, 2, 99), ADMISSION_E_CONNECTIONS);
    house_close(h);
}

static void leaving_twice_is_leaving_once(void **state)
{
    struct house *h = house_open();
    (void)state;
    enter_many(h, 1, 2);
    admission_leave(&h->admission, &h->tickets[0], 0);
    admission_leave(&h->admission, &h->tickets[0], 0);
    assert_int_equal(h->admission.startups, 1);
    house_close(h);
}

static void the_oldest_is_known_whoever_leaves_first(void **state)
{
    static const size_t leave[] = {0, 2, 4};
    struct admission_limits none = {.full = 0, .per_source = UINT32_MAX, .connections = 100};
    struct house *h = house_open();
    (void)state;
    enter_many(h, 1, 6);
    for (size_t i = 0; i < sizeof leave / sizeof leave[0]; i++) {
        struct admission_ticket *victim = NULL;
        struct address_block block = from(2);
        admission_leave(&h->admission, &h->tickets[leave[i]], 0);
        assert_int_equal(admission_check(&h->admission, &none, &block, 0, 0, &victim), ADMISSION_E_REPLACE);
        assert_ptr_equal(victim, &h->tickets[1]);
    }
    house_close(h);
}

static enum admission_verdict ask_at(struct house *h, unsigned source, uint64_t now_ms)
{
    struct admission_ticket *victim = NULL;
    struct address_block block = from(source);
    return admission_check(&h->admission, &sshd_default, &block, 0, now_ms, &victim);
}

static void a_crash_costs_its_source_time_and_more_each_time(void **state)
{
    struct house *h = house_open();
    struct address_block block = from(1);
    uint64_t now = 1000, expected = ADMISSION_PENALTY_MS;
    (void)state;
    for (int i = 0; i < 10; i++) {
        admission_penalise(&h->admission, &block, now);
        assert_int_equal(ask_at(h, 1, now + expected - 1), ADMISSION_E_PENALTY);
        assert_int_equal(ask_at(h, 2, now), ADMISSION_OK);
        now += expected;
        assert_int_equal(ask_at(h, 1, now), ADMISSION_OK);
        expected = expected * 2 < ADMISSION_PENALTY_MAX_MS ? expected * 2 : ADMISSION_PENALTY_MAX_MS;
    }
    now += ADMISSION_PENALTY_MAX_MS + ADMISSION_MEMORY_MS;
    admission_penalise(&h->admission, &block, now);
    assert_int_equal(ask_at(h, 1, now + ADMISSION_PENALTY_MS), ADMISSION_OK); /* forgiven in the end */
    house_close(h);
}

static void a_penalty_outlives_the_connection(void **state)
{
    struct house *h = house_open();
    struct address_block block = from(1);
    (void)state;
    enter(h, 1);
    admission_penalise(&h->admission, &block, 5000);
    admission_leave(&h->admission, &h->tickets[0], 5000);
    assert_int_equal(ask_at(h, 1, 5001), ADMISSION_E_PENALTY);
    enter(h, 1);
    admission_leave(&h->admission, &h->tickets[1], 5000 + ADMISSION_PENALTY_MAX_MS + ADMISSION_MEMORY_MS);
    assert_int_equal(h->admission.penalties, 0); /* and is not kept for ever */
    house_close(h);
}

static void remembered_penalties_are_bounded(void **state)
{
    struct house *h = house_open();
    (void)state;
    for (unsigned i = 0; i < 3 * ADMISSION_PENALTIES_MAX; i++) {
        struct address_block block = from(i);
        admission_penalise(&h->admission, &block, 1000 + i);
        assert_in_range(h->admission.penalties, 1, ADMISSION_PENALTIES_MAX);
    }
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_drop_grows_as_sshd_has_it),
        cmocka_unit_test(a_rate_of_100_is_a_hard_limit),
        cmocka_unit_test(begin_equal_to_full_divides_by_nothing),
        cmocka_unit_test(one_source_cannot_keep_others_out),
        cmocka_unit_test(many_sources_cannot_push_each_other_out),
        cmocka_unit_test(a_source_has_its_own_limit),
        cmocka_unit_test(all_connections_together_are_limited),
        cmocka_unit_test(leaving_twice_is_leaving_once),
        cmocka_unit_test(the_oldest_is_known_whoever_leaves_first),
        cmocka_unit_test(a_crash_costs_its_source_time_and_more_each_time),
        cmocka_unit_test(a_penalty_outlives_the_connection),
        cmocka_unit_test(remembered_penalties_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
