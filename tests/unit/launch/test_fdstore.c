/* What the launcher keeps for the monitor: from whom, under which names, and how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch/launch.h"

static struct launch launch;

/* A launcher whose monitor is this process; the socket at which it is told. */
static int launch_open(void)
{
    int pair[2];
    launch = (struct launch){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(loop_new(&launch.loop), 0);
    launch.notify_fd = pair[0];
    launch.programs[PROGRAM_MONITOR].pid = getpid();
    launch.ids[USER_MONITOR].uid = getuid();
    launch.stopping = true; /* so that nobody is told that it is ready */
    assert_int_equal(ready_watch(&launch), 0);
    return pair[1];
}

static void launch_close(int monitor)
{
    fdstore_free(&launch.store);
    loop_free(launch.loop);
    close(launch.notify_fd);
    close(monitor);
}

static unsigned descriptors_count(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0 ? 1u : 0u;
    return count;
}

/* Says it, with so many descriptors, and has it heard. */
static void say(int monitor, const char *text, size_t count)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(32 * sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    int fds[32];
    for (size_t i = 0; i < count; i++)
        fds[i] = STDIN_FILENO;
    if (count != 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(monitor, &header, 0), strlen(text));
    ready_drain(&launch);
}

static size_t kept(const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < launch.store.count; i++)
        count += strcmp(launch.store.items[i].name, name) == 0 ? 1u : 0u;
    return count;
}

static void keeps_and_takes_out_by_name(void **state)
{
    unsigned before = descriptors_count();
    int monitor = launch_open();
    (void)state;
    say(monitor, "FDSTORE=1\nFDPOLL=0\nFDNAME=+1\n", 2);
    say(monitor, "FDSTORE=1\nFDPOLL=0\nFDNAME=+2\n", 4);
    say(monitor, "FDNAME=+1\nFDSTORE=1", 1);
    assert_int_equal(kept("+1"), 3);
    assert_int_equal(kept("+2"), 4);
    say(monitor, "FDSTOREREMOVE=1\nFDNAME=+1\n", 0);
    assert_int_equal(kept("+1"), 0);
    assert_int_equal(launch.store.count, 4);
    say(monitor, "FDSTOREREMOVE=1\nFDNAME=+3\n", 0);
    assert_int_equal(launch.store.count, 4);
    say(monitor, "FDSTOREREMOVE=1\nFDNAME=+2\n", 0);
    assert_int_equal(launch.store.octets, 0);
    launch_close(monitor);
    assert_int_equal(descriptors_count(), before);
}

static void what_is_no_order_keeps_nothing(void **state)
{
    static const char *const texts[] = {"STATUS=1 connection open\n",
                                        "FDNAME=+1\n",
                                        "FDSTORE=0\nFDNAME=+1\n",
                                        "XFDSTORE=1\nFDNAME=+1\n",
                                        "STATUS=FDSTORE=1\nFDNAME=+1\n",
                                        "FDSTORE=1\nFDNAME=a:b\n",
                                        "FDSTORE=1\nFDNAME=\n",
                                        "FDSTORE=1\nFDNAME=a b\n",
                                        "FDSTORE=1\nFDNAME=0123456789012345678901234567890123456789\n"};
    unsigned before = descriptors_count();
    int monitor = launch_open();
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        say(monitor, texts[i], 2);
        assert_int_equal(launch.store.count, 0);
    }
    say(monitor, "FDSTORE=1\nFDNAME=+1\n", 30); /* more than a monitor sends: none of them */
    assert_int_equal(launch.store.count, 0);
    launch_close(monitor);
    assert_int_equal(descriptors_count(), before);
}

static void nobody_but_the_monitor_is_heard(void **state)
{
    unsigned before = descriptors_count();
    int monitor = launch_open();
    (void)state;
    say(monitor, "FDSTORE=1\nFDNAME=+1\n", 1);
    launch.programs[PROGRAM_MONITOR].pid = getppid();
    say(monitor, "FDSTORE=1\nFDNAME=+2\n", 1);
    say(monitor, "FDSTOREREMOVE=1\nFDNAME=+1\n", 0);
    assert_int_equal(launch.store.count, 1);
    launch.programs[PROGRAM_MONITOR].pid = 0; /* it does not run */
    say(monitor, "FDSTORE=1\nFDNAME=+2\n", 1);
    assert_int_equal(launch.store.count, 1);
    launch_close(monitor);
    assert_int_equal(descriptors_count(), before);
}

static void there_is_an_end_to_names(void **state)
{
    const struct rlimit many = {16384, 16384};
    struct fdstore store = {0};
    unsigned added = 0;
    (void)state;
    if (setrlimit(RLIMIT_NOFILE, &many) < 0)
        skip();
    while (!store.refused && added < 8000) {
        char name[FDSTORE_NAME_MAX];
        snprintf(name, sizeof name, "%031u", added++);
        fdstore_add(&store, name, dup(STDIN_FILENO));
    }
    assert_int_equal(store.count, 120 * 1024 / 32);
    fdstore_remove(&store, "0000000000000000000000000000007");
    assert_int_equal(store.count, 120 * 1024 / 32 - 1);
    store.refused = false;
    fdstore_add(&store, "again", dup(STDIN_FILENO));
    assert_false(store.refused);
    fdstore_free(&store);
}

/* Each is needed three times when a monitor is started. */
static void who_may_have_few_descriptors_keeps_few(void **state)
{
    struct rlimit before;
    struct fdstore store = {0};
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit few = {1024, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (unsigned i = 0; i < 600; i++)
        fdstore_add(&store, "+1", dup(STDIN_FILENO));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(store.count, 256);
    assert_true(store.refused);
    fdstore_free(&store);
}

static void a_low_soft_limit_does_not_count(void **state)
{
    struct rlimit before, now;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit low = {512, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    launch = (struct launch){0};
    limits_raise(&launch);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_true(now.rlim_cur >= before.rlim_max || now.rlim_cur >= 262144);
    assert_int_equal(launch.descriptors, 512); /* what the other programs are started with */
    assert_int_equal(launch.descriptors_max, before.rlim_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_and_takes_out_by_name),
        cmocka_unit_test(what_is_no_order_keeps_nothing),
        cmocka_unit_test(nobody_but_the_monitor_is_heard),
        cmocka_unit_test(who_may_have_few_descriptors_keeps_few),
        cmocka_unit_test(there_is_an_end_to_names),
        cmocka_unit_test(a_low_soft_limit_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
