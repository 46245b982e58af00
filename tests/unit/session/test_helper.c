/* session/helper.c: whom it kills, which is a child of this process and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/helper.h"

static pid_t child_that_waits(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    assert_true(pid > 0);
    return pid;
}

static void a_child_is_killed_and_reaped(void **state)
{
    pid_t pid = child_that_waits(), stopped = pid;
    (void)state;
    helper_stop(&stopped);
    assert_int_equal(stopped, 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

/* As after somebody else's wait(2): the number is that of a process which is not our child. */
static void a_number_that_is_somebody_elses_is_left_alone(void **state)
{
    int told[2];
    pid_t other = 0, pid;
    (void)state;
    assert_int_equal(pipe(told), 0);
    pid_t between = fork();
    if (between == 0) {
        pid_t grandchild = child_that_waits();
        _exit(write(told[1], &grandchild, sizeof grandchild) == sizeof grandchild ? 0 : 1);
    }
    assert_int_equal(read(told[0], &other, sizeof other), sizeof other);
    assert_int_equal(waitpid(between, NULL, 0), between);
    pid = other;
    helper_stop(&pid);
    close(told[1]);
    struct pollfd held = {.fd = told[0], .events = POLLIN}; /* its other end closes when that process ends */
    int ended = poll(&held, 1, 200);
    (void)kill(other, SIGKILL);
    close(told[0]);
    assert_int_equal(pid, 0);
    assert_int_equal(ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_killed_and_reaped),
        cmocka_unit_test(a_number_that_is_somebody_elses_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
