/* session/signals.c: names of RFC 4254 section 6.10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "session/signals.h"

static void names_and_numbers_agree(void **state)
{
    static const char *const names[] = {"ABRT", "ALRM", "FPE",  "HUP",  "ILL",  "INT", "KILL",
                                        "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_string_equal(signal_ssh_name(signal_find(sp_text(names[i]))), names[i]);
}

static void others_are_not_sent(void **state)
{
    assert_int_equal(signal_find(sp_text("STOP")), 0);
    assert_int_equal(signal_find(sp_text("SIGTERM")), 0);
    assert_int_equal(signal_find(sp_text("term")), 0);
    assert_int_equal(signal_find(sp_text("")), 0);
    assert_int_equal(signal_find(sp_text("9")), 0);
}

static void unnamed_signal_has_a_private_name(void **state)
{
    assert_non_null(strchr(signal_ssh_name(SIGBUS), '@'));
    assert_true(strlen(signal_ssh_name(SIGRTMIN)) <= 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_agree),
        cmocka_unit_test(others_are_not_sent),
        cmocka_unit_test(unnamed_signal_has_a_private_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
