/* Changing files in a directory of the test's own. */
#include "support.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/edit_file.h"

static char said[1024];

int ctl_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
    return CTL_FAILED;
}

static char directory[] = "/tmp/sallyport-test-XXXXXX";
static char path[256];

static void file_make(const char *text, mode_t mode)
{
    snprintf(path, sizeof path, "%s/file", directory);
    (void)unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    said[0] = 0;
}

static void file_holds(const char *name, const char *text)
{
    char read_back[64] = "";
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    (void)!fread(read_back, 1, sizeof read_back - 1, file);
    fclose(file);
    assert_string_equal(read_back, text);
}

static int change(const char *text)
{
    struct edit_file edit;
    char name[PATH_MAX];
    int r = edit_file_open(&edit, path, 4096);
    if (r == 0)
        r = edit_file_beside(&edit, ".next", sp_text(text), name);
    if (r == 0)
        r = edit_file_commit(&edit, name);
    edit_file_close(&edit);
    return r;
}

static void mode_and_owner_stay(void **state)
{
    struct stat st;
    file_make("one", 0640);
    if (geteuid() == 0)
        assert_int_equal(chown(path, 12345, 12346), 0);
    assert_int_equal(change("two"), 0);
    file_holds(path, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    if (geteuid() == 0) {
        assert_int_equal(st.st_uid, 12345);
        assert_int_equal(st.st_gid, 12346);
    }
}

static void what_is_read_is_what_is_locked(void **state)
{
    struct edit_file first, second;
    file_make("one", 0644);
    assert_int_equal(edit_file_open(&first, path, 4096), 0);
    assert_string_equal((const char *)first.text, "one");
    assert_int_equal(edit_file_open(&second, path, 4096), CTL_FAILED);
    assert_non_null(strstr(said, "somebody else is changing it"));
    edit_file_close(&second);
    edit_file_close(&first);
    assert_int_equal(edit_file_open(&second, path, 4096), 0);
    edit_file_close(&second);
}

static void what_others_have_changed_stays(void **state)
{
    struct edit_file edit;
    char name[PATH_MAX], other[300];
    for (unsigned i = 0; i < 2; i++) {
        file_make("one", 0644);
        assert_int_equal(edit_file_open(&edit, path, 4096), 0);
        assert_int_equal(edit_file_beside(&edit, ".next", sp_text("two"), name), 0);
        if (i == 0) { /* by an editor that replaces files, and by one that writes over them */
            snprintf(other, sizeof other, "%s/other", directory);
            FILE *file = fopen(other, "w");
            fputs("three", file);
            fclose(file);
            assert_int_equal(rename(other, path), 0);
        } else {
            FILE *file = fopen(path, "w");
            fputs("three", file);
            fclose(file);
        }
        assert_int_equal(edit_file_commit(&edit, name), CTL_FAILED);
        assert_non_null(strstr(said, "meanwhile"));
        file_holds(path, "three");
        edit_file_close(&edit);
        unlink(name);
    }
}

static void refuses_what_is_no_regular_file(void **state)
{
    struct edit_file edit;
    char other[300];
    snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(5);
    assert_int_equal(edit_file_open(&edit, path, 4096), CTL_FAILED);
    alarm(0);
    edit_file_close(&edit);
    unlink(path);
    file_make("one", 0644);
    snprintf(other, sizeof other, "%s/link", directory);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(edit_file_open(&edit, other, 4096), CTL_FAILED);
    edit_file_close(&edit);
    unlink(other);
    assert_int_equal(edit_file_open(&edit, path, 2), CTL_FAILED);
    edit_file_close(&edit);
}

static void a_name_that_is_a_link_is_not_followed(void **state)
{
    struct edit_file edit;
    char name[PATH_MAX], victim[300], beside[300];
    file_make("one", 0644);
    snprintf(victim, sizeof victim, "%s/victim", directory);
    snprintf(beside, sizeof beside, "%s.next", path);
    (void)unlink(beside);
    assert_int_equal(symlink(victim, beside), 0);
    assert_int_equal(edit_file_open(&edit, path, 4096), 0);
    assert_int_equal(edit_file_beside(&edit, ".next", sp_text("two"), name), CTL_FAILED);
    assert_int_equal(access(victim, F_OK), -1);
    edit_file_close(&edit);
    unlink(beside);
}

static int set_up(void **state)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"file", "file.next", "other", "link", "fifo"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_and_owner_stay),
        cmocka_unit_test(what_is_read_is_what_is_locked),
        cmocka_unit_test(what_others_have_changed_stays),
        cmocka_unit_test(refuses_what_is_no_regular_file),
        cmocka_unit_test(a_name_that_is_a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
