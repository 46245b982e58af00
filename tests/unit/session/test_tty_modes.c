/* session/tty_modes.c: RFC 4254 section 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "session/tty_modes.h"

#define APPLY(modes_, ...)                                                                                   \
    tty_modes_apply(sp_span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})),      \
                    (modes_))

static void characters_and_flags_are_set(void **state)
{
    struct termios m = {.c_lflag = ECHO, .c_iflag = ICRNL};
    assert_int_equal(APPLY(&m, 1, 0, 0, 0, 5, 53, 0, 0, 0, 0, 50, 0, 0, 0, 1, 36, 0, 0, 0, 0, 42, 0, 0, 0, 1,
                           72, 0, 0, 0, 9, 0),
                     0);
    assert_int_equal(m.c_cc[VINTR], 5);
    assert_int_equal(m.c_lflag, ISIG);
    assert_int_equal(m.c_iflag, IUTF8);
    assert_int_equal(m.c_oflag, ONLCR);
}

static void character_255_is_disabled(void **state)
{
    struct termios m = {.c_cc = {[VEOF] = 4}};
    assert_int_equal(APPLY(&m, 5, 0, 0, 0, 255), 0);
    assert_int_equal(m.c_cc[VEOF], _POSIX_VDISABLE);
}

static void character_size_is_one_field(void **state)
{
    struct termios m = {.c_cflag = CS8 | CREAD};
    assert_int_equal(APPLY(&m, 90, 0, 0, 0, 1, 91, 0, 0, 0, 0), 0);
    assert_int_equal(m.c_cflag & CSIZE, CS7);
    assert_int_equal(APPLY(&m, 91, 0, 0, 0, 1, 92, 0, 0, 0, 1), 0);
    assert_int_equal(m.c_cflag, CS8 | CREAD | PARENB);
}

static void speeds_are_set(void **state)
{
    struct termios m = {0};
    assert_int_equal(APPLY(&m, 128, 0, 0, 0x25, 0x80, 129, 0, 0, 0x96, 0), 0);
    assert_int_equal(cfgetospeed(&m), B38400);
    assert_int_equal(APPLY(&m, 129, 0, 0, 0, 7), 0);
    assert_int_equal(cfgetospeed(&m), B38400);
}

static void unknown_modes_are_skipped(void **state)
{
    struct termios m = {.c_lflag = ECHO};
    assert_int_equal(APPLY(&m, 11, 0, 0, 0, 1, 159, 1, 2, 3, 4, 53, 0, 0, 0, 0), 0);
    assert_int_equal(m.c_lflag, 0);
}

static void opcodes_from_160_stop_parsing(void **state)
{
    struct termios m = {.c_lflag = ECHO};
    assert_int_equal(APPLY(&m, 160, 53, 0, 0, 0, 0), 0);
    assert_int_equal(m.c_lflag, ECHO);
    assert_int_equal(APPLY(&m, 0, 53, 0, 0, 0, 0), 0);
    assert_int_equal(m.c_lflag, ECHO);
}

static void truncated_argument_changes_nothing(void **state)
{
    struct termios m = {.c_lflag = ECHO};
    assert_int_equal(APPLY(&m, 53, 0, 0, 0, 0, 50, 0, 0), SP_E_MALFORMED);
    assert_int_equal(m.c_lflag, ECHO);
    assert_int_equal(tty_modes_apply((struct sp_span){0}, &m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_and_flags_are_set),       cmocka_unit_test(character_255_is_disabled),
        cmocka_unit_test(character_size_is_one_field),        cmocka_unit_test(speeds_are_set),
        cmocka_unit_test(unknown_modes_are_skipped),          cmocka_unit_test(opcodes_from_160_stop_parsing),
        cmocka_unit_test(truncated_argument_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
