/* Events of a program that has no monitor: one printable line on standard error, whatever is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/log.h"

static void without_a_monitor_an_event_is_one_line(void **state)
{
    struct log log = {.program = "sallyport-worker", .level = LOG_LEVEL_INFO};
    char line[256] = "";
    int file = memfd_create("stderr", MFD_CLOEXEC), before = dup(STDERR_FILENO);
    (void)state;
    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    log_say(&log, LOG_LEVEL_INFO, "channel_refused", "%s", "a\nsallyportd: Failed \x1b[2K\xc3\xa9");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    assert_true(pread(file, line, sizeof line - 1, 0) > 0);
    close(file);
    assert_string_equal(line, "sallyport-worker: a?sallyportd: Failed ?[2K??\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_monitor_an_event_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
