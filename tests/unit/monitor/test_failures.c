/* The last failures: bounded, and no source pushes out what others have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/failures.h"

#define MINUTE_MS 60000

static struct address_block block_of(unsigned n)
{
    return (struct address_block){.family = 4,
                                  .bytes = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void add(struct failures *f, unsigned source, const char *user, int64_t at_ms)
{
    const struct failure failure = {
        .at_ms = at_ms, .source = block_of(source), .stage = FAILURE_AUTHENTICATION, .connection = source};
    failures_add(f, &failure, &(struct failure_texts){.user = sp_text(user), .reason = sp_text("failed")});
}

static unsigned count_of(const struct failures *f, unsigned source)
{
    struct address_block block = block_of(source);
    unsigned count = 0;
    for (const struct failure *failure = f->oldest; failure; failure = failure->next)
        count += address_block_equal(&failure->source, &block) ? 1u : 0u;
    return count;
}

static void keeps_what_it_was_told(void **state)
{
    struct failures f = {0};
    (void)state;
    add(&f, 1, "alice", 1000);
    add(&f, 2, "bob", 2000);
    assert_int_equal(f.count, 2);
    assert_string_equal(f.oldest->user, "alice");
    assert_string_equal(f.newest->user, "bob");
    assert_string_equal(f.newest->reason, "failed");
    assert_int_equal(f.newest->number, 2);
    assert_int_equal(f.by_stage[FAILURE_AUTHENTICATION], 2);
    failures_free(&f);
    assert_null(f.oldest);
}

static void a_flood_pushes_out_nobody_else(void **state)
{
    struct failures f = {0};
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        add(&f, 100 + i, "quiet", 1000);
    for (unsigned i = 0; i < 10000; i++)
        add(&f, 7, "loud", 2000);
    assert_int_equal(f.count, FAILURES_MAX);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(count_of(&f, 100 + i), 1);
    assert_int_equal(count_of(&f, 7), FAILURES_MAX - 20);
    assert_int_equal(f.total, 10020);
    assert_int_equal(f.crowded_out, 10020 - FAILURES_MAX);
    assert_int_equal(f.newest->number, 10020); /* of its own, the newest stay */
    failures_free(&f);
}

static void two_floods_share(void **state)
{
    struct failures f = {0};
    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        add(&f, 1, "first", 1000);
    for (unsigned i = 0; i < 5000; i++)
        add(&f, 2, "second", 1000);
    assert_in_range(count_of(&f, 1), FAILURES_MAX / 2 - 1, FAILURES_MAX / 2 + 1);
    assert_int_equal(count_of(&f, 1) + count_of(&f, 2), FAILURES_MAX);
    failures_free(&f);
}

static void of_sources_with_one_each_the_oldest_goes(void **state)
{
    struct failures f = {0};
    (void)state;
    for (unsigned i = 0; i < FAILURES_MAX + 3; i++)
        add(&f, i, "x", 1000);
    assert_int_equal(f.count, FAILURES_MAX);
    assert_int_equal(f.source_count, FAILURES_MAX);
    assert_int_equal(f.oldest->connection, 3);
    assert_int_equal(f.newest->connection, FAILURES_MAX + 2);
    failures_free(&f);
}

static void texts_are_cut_and_end(void **state)
{
    struct failures f = {0};
    uint8_t long_text[2000];
    (void)state;
    memset(long_text, 'u', sizeof long_text);
    long_text[5] = 0; /* no text of a message has one; a struct's text ends at it all the same */
    const struct failure failure = {.at_ms = 1, .stage = FAILURE_PROTOCOL};
    failures_add(&f, &failure,
                 &(struct failure_texts){.user = sp_span_of(long_text, sizeof long_text),
                                         .reason = sp_span_of(long_text, sizeof long_text)});
    assert_int_equal(strlen(f.newest->user), sizeof f.newest->user - 1);
    assert_int_equal(f.newest->user[5], '?');
    assert_int_equal(strlen(f.newest->reason), sizeof f.newest->reason - 1);
    assert_string_equal(f.newest->method, "");
    failures_free(&f);
}

static void the_last_hour_is_the_last_hour(void **state)
{
    struct failures f = {0};
    const int64_t noon = 1000000 * (int64_t)MINUTE_MS;
    (void)state;
    add(&f, 1, "x", noon);
    add(&f, 1, "x", noon + 30 * MINUTE_MS);
    add(&f, 1, "x", noon + 30 * MINUTE_MS + 1);
    assert_int_equal(failures_recent(&f, noon + 30 * MINUTE_MS), 3);
    assert_int_equal(failures_recent(&f, noon + 59 * MINUTE_MS), 3);
    assert_int_equal(failures_recent(&f, noon + 60 * MINUTE_MS), 2);
    assert_int_equal(failures_recent(&f, noon + 90 * MINUTE_MS), 0);
    add(&f, 1, "x", noon + 300 * MINUTE_MS); /* what was counted in the same places before is gone */
    assert_int_equal(failures_recent(&f, noon + 300 * MINUTE_MS), 1);
    add(&f, 1, "x", noon); /* a clock that was set back breaks nothing */
    assert_int_equal(failures_recent(&f, noon + 300 * MINUTE_MS), 2);
    failures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_was_told), cmocka_unit_test(a_flood_pushes_out_nobody_else),
        cmocka_unit_test(two_floods_share),       cmocka_unit_test(of_sources_with_one_each_the_oldest_goes),
        cmocka_unit_test(texts_are_cut_and_end),  cmocka_unit_test(the_last_hour_is_the_last_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
