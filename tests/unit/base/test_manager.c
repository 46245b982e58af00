/* What a service manager hears, from a socket of our own in its place. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "child.h"

#include "base/manager.h"

static char directory[] = "/tmp/sallyport-manager.XXXXXX";

static int listener(const char *where)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t size = strlen(where);
    memcpy(at.sun_path, where, size);
    if (where[0] == '@')
        at.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&at, length) == 0);
    return fd;
}

static void heard(int fd, const char *wanted)
{
    char text[128];
    ssize_t size = recv(fd, text, sizeof text - 1, 0);
    assert_true(size >= 0);
    text[size] = 0;
    assert_string_equal(text, wanted);
}

static void told_by(const char *where)
{
    struct manager manager;
    int fd = listener(where);
    setenv("NOTIFY_SOCKET", where, 1);
    assert_int_equal(manager_open(&manager), 0);
    manager_say(&manager, "READY=1\nSTATUS=up");
    heard(fd, "READY=1\nSTATUS=up");
    manager_close(&manager);
    manager_say(&manager, "READY=1");
    assert_true(recv(fd, (char[1]){0}, 1, 0) < 0);
    close(fd);
}

static void lines_arrive_by_path_and_by_name(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/notify", directory);
    told_by(path);
    unlink(path);
    snprintf(path, sizeof path, "@%s", directory);
    told_by(path);
}

static void without_a_manager_nothing_is_said(void **state)
{
    struct manager manager;
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "4000000", 1);
    assert_int_equal(manager_open(&manager), 0);
    assert_true(manager.fd == -1 && manager.watchdog_ms == 0);
    manager_say(&manager, "READY=1");
    manager_close(&manager);
}

static void a_manager_that_cannot_be_reached_is_an_error(void **state)
{
    static const struct {
        const char *where;
        int result;
    } rows[] = {{"/nonexistent/notify", -ENOENT}, {"relative", -EINVAL}, {"", -EINVAL}, {"/", -EINVAL}};
    struct manager manager;
    char path[200];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        setenv("NOTIFY_SOCKET", rows[i].where, 1);
        assert_int_equal(manager_open(&manager), rows[i].result);
        assert_int_equal(manager.fd, -1);
    }
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    setenv("NOTIFY_SOCKET", path, 1);
    assert_int_equal(manager_open(&manager), -ENAMETOOLONG);
}

static uint64_t interval_of(const char *usec, const char *pid)
{
    struct manager manager;
    char path[128];
    snprintf(path, sizeof path, "%s/watchdog", directory);
    int fd = listener(path);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", usec, 1);
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(manager_open(&manager), 0);
    assert_true(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
    manager_close(&manager);
    close(fd);
    unlink(path);
    return manager.watchdog_ms;
}

static void a_watchdog_is_fed_at_half_its_time(void **state)
{
    char self[16];
    snprintf(self, sizeof self, "%ld", (long)getpid());
    assert_int_equal(interval_of("30000000", self), 15000);
    assert_int_equal(interval_of("1000", self), 1);
    assert_int_equal(interval_of("30000000", "1"), 0); /* it is another process that is watched */
    assert_int_equal(interval_of("0", self), 0);
    assert_int_equal(interval_of("-5", self), 0);
    assert_int_equal(interval_of("30000000x", self), 0);
    assert_int_equal(interval_of("99999999999999999999999", self), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive_by_path_and_by_name),
        cmocka_unit_test(without_a_manager_nothing_is_said),
        cmocka_unit_test(a_manager_that_cannot_be_reached_is_an_error),
        cmocka_unit_test(a_watchdog_is_fed_at_half_its_time),
    };
    if (!mkdtemp(directory))
        return 1;
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return r;
}
