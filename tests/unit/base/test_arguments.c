/* Command lines from files: whose file, and which lines, before anything is believed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "child.h"

#include "base/arguments.h"
#include "base/fd.h"

struct file {
    char path[64];
};

static void file_write(struct file *file, const char *text, size_t size)
{
    strcpy(file->path, "/tmp/sallyport-arguments.XXXXXX");
    int fd = mkstemp(file->path);
    assert_true(fd >= 0 && fchmod(fd, 0444) == 0);
    assert_int_equal(fd_write_all(fd, sp_span_of((const uint8_t *)text, size)), 0);
    close(fd);
}

/* The result; the arguments that came of it, joined by '|'. */
static int expand(const char *text, size_t size, char *joined)
{
    struct file file;
    char program[] = "program", option[] = "--options-file", last[] = "--last";
    char *given[] = {program, option, file.path, last, NULL}, **argv = given;
    int argc = 4;
    file_write(&file, text, size);
    int r = arguments_expand(&argc, &argv);
    unlink(file.path);
    joined[0] = 0;
    for (int i = 0; r == 0 && i < argc; i++)
        strcat(strcat(joined, i ? "|" : ""), argv[i]);
    assert_true(r != 0 || argv[argc] == NULL);
    return r;
}

static int expand_text(const char *text, char *joined)
{
    return expand(text, strlen(text), joined);
}

static void skip_unless_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void lines_stand_in_front_of_what_follows(void **state)
{
    char joined[256];
    skip_unless_root();
    assert_int_equal(
        expand_text("--monitor-uid\n996\n--policy-trust\n/a path/with \"quotes\" $and\\more\n", joined), 0);
    assert_string_equal(joined,
                        "program|--monitor-uid|996|--policy-trust|/a path/with \"quotes\" $and\\more|--last");
    assert_int_equal(expand_text("", joined), 0);
    assert_string_equal(joined, "program|--last");
}

static void a_command_line_without_it_stays(void **state)
{
    char program[] = "program", option[] = "--user", value[] = "--options-file";
    char *given[] = {program, option, value, NULL}, **argv = given;
    int argc = 3;
    assert_int_equal(arguments_expand(&argc, &argv), 0);
    assert_true(argc == 3 && argv == given);
    char *alone[] = {program, value, NULL};
    argc = 2;
    argv = alone;
    assert_int_equal(arguments_expand(&argc, &argv), 0);
    assert_true(argc == 2 && argv == alone);
}

static void what_is_no_list_of_lines_is_refused(void **state)
{
    char joined[256];
    skip_unless_root();
    assert_int_equal(expand_text("--monitor-uid\n996", joined), -EINVAL); /* cut short */
    assert_int_equal(expand_text("--monitor-uid\n\n996\n", joined), -EINVAL);
    assert_int_equal(expand("a\0b\n", 4, joined), -EINVAL);
}

static void too_much_is_refused(void **state)
{
    static char text[ARGUMENTS_FILE_MAX + 1], joined[ARGUMENTS_FILE_MAX];
    skip_unless_root();
    for (size_t i = 0; i < 2 * ARGUMENTS_MAX; i++)
        memcpy(text + 2 * i, "a\n", 2);
    assert_int_equal(expand(text, 2 * ARGUMENTS_MAX, joined), 0);
    assert_int_equal(expand(text, 2 * ARGUMENTS_MAX + 2, joined), -EFBIG);
    memset(text, 'a', sizeof text);
    assert_int_equal(expand(text, sizeof text, joined), -EFBIG);
}

static void who_could_change_the_file_is_root_alone(void **state)
{
    struct file file;
    char program[] = "program", option[] = "--options-file";
    char *given[] = {program, option, file.path, NULL}, **argv = given;
    int argc = 3;
    skip_unless_root();
    file_write(&file, "--a\n", 4);
    assert_int_equal(chmod(file.path, 0464), 0);
    assert_int_equal(arguments_expand(&argc, &argv), -EPERM);
    assert_int_equal(chmod(file.path, 0446), 0);
    assert_int_equal(arguments_expand(&argc, &argv), -EPERM);
    assert_true(chmod(file.path, 0444) == 0 && chown(file.path, 61199, 0) == 0);
    assert_int_equal(arguments_expand(&argc, &argv), -EPERM);
    assert_true(argc == 3 && argv == given);
    unlink(file.path);
    assert_int_equal(arguments_expand(&argc, &argv), -ENOENT);
    assert_int_equal(mkfifo(file.path, 0400), 0); /* nobody is waited for */
    assert_int_equal(arguments_expand(&argc, &argv), -EPERM);
    unlink(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stand_in_front_of_what_follows),
        cmocka_unit_test(a_command_line_without_it_stays),
        cmocka_unit_test(what_is_no_list_of_lines_is_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(who_could_change_the_file_is_root_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
