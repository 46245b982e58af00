/* session/slot.c: channels before their programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "config/config.h"
#include "session/slot.h"

static void table_is_as_long_as_asked(void **state)
{
    struct slots slots = {0};
    assert_int_equal(slots_new(&slots, 2), 0);
    struct slot *first = slot_find(&slots, 7, true);
    assert_non_null(first);
    assert_ptr_equal(slot_find(&slots, 7, true), first);
    assert_non_null(slot_find(&slots, 8, true));
    assert_null(slot_find(&slots, 9, true));
    slot_release(first);
    assert_null(slot_find(&slots, 7, false));
    assert_non_null(slot_find(&slots, 9, true));
    slots_free(&slots);
}

static void no_sessions_means_no_slot(void **state)
{
    struct slots slots = {0};
    assert_int_equal(slots_new(&slots, 0), 0);
    assert_null(slot_find(&slots, 0, true));
    slots_free(&slots);
}

static void accept_env_is_asked(void **state)
{
    char lang[] = "LANG", some[] = "LC_*,!LC_SECRET", wild[] = "LD_*";
    char *items[] = {lang, some, wild};
    const struct config config = {.accept_env = {.items = items, .count = 3}};
    struct slot slot = {.pty = {.master = -1}};
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("LANG"), sp_text("C")), 0);
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("LC_TIME"), sp_text("C")), 0);
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("LC_SECRET"), sp_text("C")), -EPERM);
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("EDITOR"), sp_text("vi")), -EPERM);
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("LD_PRELOAD"), sp_text("x")), -EPERM);
    slot_release(&slot);
}

static void variables_are_bounded(void **state)
{
    char all[] = "*";
    char *items[] = {all};
    const struct config config = {.accept_env = {.items = items, .count = 1}};
    static const char big[SLOT_ENVIRONMENT_MAX];
    struct slot slot = {.pty = {.master = -1}};
    char name[16];
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("BIG"), sp_span_of(big, sizeof big)), -E2BIG);
    for (unsigned i = 0; i < SLOT_VARIABLES_MAX; i++) {
        snprintf(name, sizeof name, "V%u", i);
        assert_int_equal(slot_add_variable(&slot, &config, sp_text(name), sp_text("")), 0);
    }
    assert_int_equal(slot_add_variable(&slot, &config, sp_text("MORE"), sp_text("")), -E2BIG);
    slot_release(&slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_as_long_as_asked),
        cmocka_unit_test(no_sessions_means_no_slot),
        cmocka_unit_test(accept_env_is_asked),
        cmocka_unit_test(variables_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
