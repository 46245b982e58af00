/* session/restrictions.c: what keys forbid and force only grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/wire.h>

#include "session/restrictions.h"

struct packed {
    uint8_t bytes[4096];
    struct sp_out out;
};

static struct sp_span pack(struct packed *packed, const char *const *pairs, size_t count)
{
    packed->out = (struct sp_out){.data = packed->bytes, .capacity = sizeof packed->bytes};
    for (size_t i = 0; i < count; i++)
        sp_put_text(&packed->out, pairs[i]);
    assert_int_equal(sp_put_end(&packed->out), 0);
    return sp_written(&packed->out);
}
#define PACK(packed_, ...)                                                                                   \
    pack((packed_), (const char *const[]){__VA_ARGS__},                                                      \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void denials_add_up(void **state)
{
    struct restrictions r = {0};
    struct packed packed;
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "no-pty", "")), 0);
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "no-user-rc", "")), 0);
    assert_int_equal(restrictions_merge(&r, (struct sp_span){0}), 0);
    assert_int_equal(r.denied, RESTRICT_PTY | RESTRICT_USER_RC);
    restrictions_free(&r);
}

static void command_of_an_earlier_key_stays(void **state)
{
    struct restrictions r = {0};
    struct packed packed;
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "command", "true")), 0);
    assert_int_equal(restrictions_merge(&r, (struct sp_span){0}), 0);
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "command", "true")), 0);
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "command", "false")), RESTRICTIONS_E_REFUSED);
    assert_string_equal(r.command, "true");
    restrictions_free(&r);
}

static void unknown_option_is_refused_and_changes_nothing(void **state)
{
    struct restrictions r = {0};
    struct packed packed;
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "no-pty", "", "tunnel", "1")),
                     RESTRICTIONS_E_REFUSED);
    assert_int_equal(r.denied, 0);
    restrictions_free(&r);
}

static void truncated_options_are_refused(void **state)
{
    struct restrictions r = {0};
    struct packed packed;
    struct sp_span options = PACK(&packed, "command", "true");
    for (size_t size = 1; size < options.size; size++) {
        assert_int_equal(restrictions_merge(&r, sp_span_of(options.data, size)), RESTRICTIONS_E_REFUSED);
        assert_null(r.command);
    }
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "no-pty")), RESTRICTIONS_E_REFUSED);
}

static void environment_is_bounded(void **state)
{
    struct restrictions r = {0};
    struct packed packed;
    for (unsigned i = 0; i < RESTRICTIONS_ENVIRONMENT_MAX; i++)
        assert_int_equal(restrictions_merge(&r, PACK(&packed, "environment", "A=b")), 0);
    assert_int_equal(restrictions_merge(&r, PACK(&packed, "environment", "A=b")), RESTRICTIONS_E_REFUSED);
    assert_int_equal(r.environment_count, RESTRICTIONS_ENVIRONMENT_MAX);
    restrictions_free(&r);
}

static void forced_command_is_seen_without_merging(void **state)
{
    struct packed packed;
    assert_true(restrictions_force_command(PACK(&packed, "no-pty", "", "command", "x")));
    assert_false(restrictions_force_command(PACK(&packed, "no-pty", "command")));
    assert_false(restrictions_force_command((struct sp_span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denials_add_up),
        cmocka_unit_test(command_of_an_earlier_key_stays),
        cmocka_unit_test(unknown_option_is_refused_and_changes_nothing),
        cmocka_unit_test(truncated_options_are_refused),
        cmocka_unit_test(environment_is_bounded),
        cmocka_unit_test(forced_command_is_seen_without_merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
