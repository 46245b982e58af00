/* Descriptors: flags from birth, sealed memory that stays as it is, limits on reading, what the service manager hands over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "child.h"

#include "base/fd.h"

static void a_sealed_file_cannot_be_changed(void **state)
{
    (void)state;
    struct sp_span map;
    int fd = fd_sealed("test", sp_text("contents"));
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(write(fd, "x", 1) < 0);
    assert_true(ftruncate(fd, 0) < 0);
    assert_true(ftruncate(fd, 100) < 0);
    assert_ptr_equal(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(fd_sealed_map(fd, 8, &map), 0);
    assert_true(sp_span_is(map, "contents"));
    fd_sealed_unmap(map);
    close(fd);
}

static void an_unsealed_file_is_refused(void **state)
{
    static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
                                F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK};
    struct sp_span map = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(seals); i++) {
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(write(fd, "x", 1), 1);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
        assert_int_equal(fd_sealed_map(fd, 100, &map), -EPERM);
        close(fd);
    }
    int null = open("/dev/null", O_RDONLY);
    assert_int_equal(fd_sealed_map(null, 100, &map), -EINVAL);
    close(null);
    assert_null(map.data);
}

static void a_sealed_file_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct sp_span map;
    int fd = fd_sealed("test", sp_text("123456789"));
    assert_int_equal(fd_sealed_map(fd, 8, &map), -EFBIG);
    close(fd);
    fd = fd_sealed("test", (struct sp_span){0});
    assert_int_equal(fd_sealed_map(fd, 8, &map), -EFBIG); /* nothing to map */
    close(fd);
}

static void reading_all_keeps_its_limit(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 20000};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        char *text = malloc(sizes[i] + 1);
        memset(text, 'a', sizes[i]);
        int fd = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(fd_write_all(fd, sp_span_of(text, sizes[i])), 0);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(fd_read_all(fd, sizes[i], &data, &size), 0);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(data, text, size);
        assert_int_equal(data[size], 0);
        free(data);
        if (sizes[i] != 0) {
            lseek(fd, 0, SEEK_SET);
            assert_int_equal(fd_read_all(fd, sizes[i] - 1, &data, &size), -EFBIG);
        }
        close(fd);
        free(text);
    }
}

static void flags_are_set_and_cleared(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fd_set_nonblocking(fds[0]);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    fd_set_blocking(fds[0]);
    assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    fd_set_cloexec(fds[0]);
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    int copy = fd_duplicate(fds[1]);
    assert_true(copy >= 3 && (fcntl(copy, F_GETFD) & FD_CLOEXEC));
    close(copy);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(fd_duplicate(fds[0]), -EBADF);
}

struct handed {
    const char *pid; /* NULL: our own */
    const char *count;
    int expected;
};

static void run_handed(const void *argument)
{
    const struct handed *h = argument;
    char own[16];
    snprintf(own, sizeof own, "%ld", (long)getpid());
    setenv("LISTEN_PID", h->pid ? h->pid : own, 1);
    setenv("LISTEN_FDS", h->count, 1);
    CHILD_REQUIRE(dup2(2, 3) == 3 && dup2(2, 4) == 4);
    CHILD_REQUIRE(fd_listen_count() == h->expected);
    CHILD_REQUIRE(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS"));
    if (h->expected == 2)
        CHILD_REQUIRE((fcntl(3, F_GETFD) & FD_CLOEXEC) && (fcntl(4, F_GETFD) & FD_CLOEXEC));
}

static void handed_over_descriptors_are_ours_only_if_they_say_so(void **state)
{
    static const struct handed rows[] = {{NULL, "2", 2},  {"1", "2", 0},      {NULL, "0", 0},
                                         {NULL, "-1", 0}, {NULL, "65537", 0}, {"", "2", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        child_holds(run_handed, &rows[i]);
}

static void run_names(const void *argument)
{
    char own[16];
    (void)argument;
    snprintf(own, sizeof own, "%ld", (long)getpid());
    setenv("LISTEN_PID", own, 1);
    setenv("LISTEN_FDS", "3", 1);
    setenv("LISTEN_FDNAMES", "sallyport.socket::c-1-worker:more", 1);
    CHILD_REQUIRE(fd_listen_count() == 3 && !getenv("LISTEN_FDNAMES"));
    CHILD_REQUIRE(strcmp(fd_listen_name(3), "sallyport.socket") == 0);
    CHILD_REQUIRE(strcmp(fd_listen_name(4), "") == 0 && strcmp(fd_listen_name(5), "c-1-worker") == 0);
    CHILD_REQUIRE(strcmp(fd_listen_name(6), "") == 0 && strcmp(fd_listen_name(2), "") == 0);
    CHILD_REQUIRE(fd_listen_count() == 0 && strcmp(fd_listen_name(3), "") == 0);
}

static void handed_over_descriptors_have_names(void **state)
{
    (void)state;
    child_holds(run_names, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_file_cannot_be_changed),
        cmocka_unit_test(an_unsealed_file_is_refused),
        cmocka_unit_test(a_sealed_file_over_the_limit_is_refused),
        cmocka_unit_test(reading_all_keeps_its_limit),
        cmocka_unit_test(flags_are_set_and_cleared),
        cmocka_unit_test(handed_over_descriptors_are_ours_only_if_they_say_so),
        cmocka_unit_test(handed_over_descriptors_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
