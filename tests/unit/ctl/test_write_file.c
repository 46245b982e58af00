/* What root writes lies where a regular file or nothing was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/write_file.h"

/* The program's own says it on standard error. */
int ctl_fail(const char *format, ...)
{
    return CTL_FAILED;
}

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char path[256];

static const char *place(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void holds(const char *name, const char *text)
{
    char read_back[64] = "";
    FILE *file = fopen(place(name), "r");
    assert_non_null(file);
    assert_true(fread(read_back, 1, sizeof read_back - 1, file) == strlen(text));
    fclose(file);
    assert_string_equal(read_back, text);
}

static void a_file_is_made_and_replaced(void **state)
{
    assert_int_equal(write_file(place("file"), sp_text("one")), 0);
    holds("file", "one");
    assert_int_equal(write_file(place("file"), sp_text("two")), 0);
    holds("file", "two");
}

static void what_nobody_else_could_read_stays_so(void **state)
{
    struct stat st;
    assert_int_equal(write_file(place("secret"), sp_text("one")), 0);
    assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(write_file(path, sp_text("two")), 0);
    assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_int_equal(unlink(path), 0);
}

static void what_is_no_regular_file_stays(void **state)
{
    struct stat st;
    assert_int_equal(mkfifo(place("fifo"), 0600), 0);
    assert_int_not_equal(write_file(path, sp_text("x")), 0);
    assert_true(lstat(place("fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
    assert_int_equal(symlink("file", place("link")), 0);
    assert_int_not_equal(write_file(path, sp_text("x")), 0);
    assert_true(lstat(place("link"), &st) == 0 && S_ISLNK(st.st_mode));
    holds("file", "two");
}

static int set_up(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"file", "fifo", "link"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(place(names[i]));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_made_and_replaced),
        cmocka_unit_test(what_nobody_else_could_read_stays_so),
        cmocka_unit_test(what_is_no_regular_file_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
