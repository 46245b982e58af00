/* The allow-list: what is on it works, and everything else kills the process, by SIGSYS, at once. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <pthread.h>

#include "child.h"

#include "base/sandbox.h"

static const struct sandbox_rule rules[] = {
    SANDBOX_ALLOW(write),
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(exit_group),
    SANDBOX_ALLOW(exit),
    SANDBOX_ALLOW(getppid),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFL),
    SANDBOX_ALLOW_MASKED(umask, 0, 0700, 0),
    {.syscall = -10107, .argument = -1}, /* what SCMP_SYS() gives for a call of another architecture */
};

static struct sandbox_filter *filter;

static int filter_make(void **state)
{
    (void)state;
    return sandbox_filter_build(rules, ARRAY_SIZE(rules), &filter);
}

static int filter_unmake(void **state)
{
    (void)state;
    sandbox_filter_free(filter);
    sandbox_filter_free(NULL);
    return 0;
}

static void confine(void)
{
    CHILD_REQUIRE(sandbox_filter_load(filter) == 0);
}

/* ---- what is allowed --------------------------------------------------------------------------------------- */

static void run_allowed(const void *argument)
{
    (void)argument;
    confine();
    CHILD_REQUIRE(syscall(SYS_getppid) > 0);
    CHILD_REQUIRE(syscall(SYS_fcntl, 2, F_GETFD) >= 0);
    CHILD_REQUIRE(syscall(SYS_fcntl, 2, F_GETFL) >= 0);
    CHILD_REQUIRE(syscall(SYS_umask, 0077) >= 0);
    CHILD_REQUIRE(syscall(SYS_write, 2, "", 0) == 0);
}

static void what_is_listed_works(void **state)
{
    (void)state;
    child_holds(run_allowed, NULL);
}

/* ---- what is not ------------------------------------------------------------------------------------------- */

struct deadly {
    const char *name;
    long number;
    long arguments[6];
    bool sanitizer_needs_it; /* then a build with sanitizers allows it */
};

static void run_deadly(const void *argument)
{
    const struct deadly *d = argument;
    confine();
    syscall(d->number, d->arguments[0], d->arguments[1], d->arguments[2], d->arguments[3], d->arguments[4],
            d->arguments[5]);
}

static const struct deadly deadly[] = {
    {"socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, false},
    {"connect", SYS_connect, {0}, false},
    {"execve", SYS_execve, {0}, false},
    {"execveat", SYS_execveat, {0}, false},
    {"clone", SYS_clone, {SIGCHLD}, false},
    {"clone3", SYS_clone3, {0}, false},
    {"kill", SYS_kill, {0, 0}, false},
    {"ptrace", SYS_ptrace, {0}, false},
    {"process_vm_readv", SYS_process_vm_readv, {0}, false},
    {"prctl", SYS_prctl, {PR_GET_DUMPABLE}, false},
    {"setuid", SYS_setuid, {0}, false},
    {"unshare", SYS_unshare, {0}, false},
    {"mount", SYS_mount, {0}, false},
    {"bpf", SYS_bpf, {0}, false},
    {"io_uring_setup", SYS_io_uring_setup, {0}, false},
    {"memfd_create", SYS_memfd_create, {0}, false},
    {"open_by_handle_at", SYS_open_by_handle_at, {0}, false},
    {"openat", SYS_openat, {AT_FDCWD, 0, 0}, true},
    {"mmap", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}, true},
    {"a listed call with another argument", SYS_fcntl, {2, F_DUPFD, 0}, false},
    {"a listed call with a masked bit set", SYS_umask, {0100}, false},
    {"a number that is no call", 100000, {0}, false},
    {"the x32 interface", 0x40000000 | SYS_getppid, {0}, false},
};

static void everything_else_kills(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
        if (deadly[i].sanitizer_needs_it && sandbox_extra_rule_count != 0)
            continue;
        int status = child_run(run_deadly, &deadly[i]);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s: wait status %#x", deadly[i].name, (unsigned)status);
    }
}

/* ---- for good ---------------------------------------------------------------------------------------------- */

static void run_loosen(const void *argument)
{
    (void)argument;
    confine();
    (void)!sandbox_filter_load(filter);
}

static void it_cannot_be_replaced(void **state)
{
    (void)state;
    int status = child_run(run_loosen, NULL);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static int thread_pipe[2];

static void *thread_run(void *argument)
{
    char octet;
    (void)argument;
    if (read(thread_pipe[0], &octet, 1) == 1)
        syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    return NULL;
}

static void run_threads(const void *argument)
{
    pthread_t thread;
    (void)argument;
    CHILD_REQUIRE(pipe(thread_pipe) == 0);
    CHILD_REQUIRE(pthread_create(&thread, NULL, thread_run, NULL) == 0);
    confine();
    CHILD_REQUIRE(write(thread_pipe[1], "x", 1) == 1);
    for (;;) /* until the other thread's death is the whole process's */
        syscall(SYS_getppid);
}

static void it_holds_for_threads_that_ran_before(void **state)
{
    (void)state;
    int status = child_run(run_threads, NULL);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void run_privileges(const void *argument)
{
    (void)argument;
    confine();
    char status[4096] = "";
    CHILD_REQUIRE(read(3, status, sizeof status - 1) > 0);
    CHILD_REQUIRE(strstr(status, "\nNoNewPrivs:\t1\n") != NULL);
}

static void it_forbids_new_privileges(void **state)
{
    (void)state;
    /* Opened before, read after: the file tells of the moment it is read. In the child it is the child's own. */
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("/proc/self/status", O_RDONLY);
        CHILD_REQUIRE(fd >= 0 && dup2(fd, 3) == 3);
        run_privileges(NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_works),      cmocka_unit_test(everything_else_kills),
        cmocka_unit_test(it_cannot_be_replaced),     cmocka_unit_test(it_holds_for_threads_that_ran_before),
        cmocka_unit_test(it_forbids_new_privileges),
    };
    return cmocka_run_group_tests(tests, filter_make, filter_unmake);
}
