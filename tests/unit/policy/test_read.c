/* Policies from directories: which file wins, and which is not to be believed. */
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>

static char first[64], second[64];

static int make_directories(void **state)
{
    static char top[] = "/tmp/sallyport-policy-XXXXXX";
    strcpy(top + strlen(top) - 6, "XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(first, sizeof first, "%s/first", top);
    snprintf(second, sizeof second, "%s/second", top);
    *state = top;
    return mkdir(first, 0755) | mkdir(second, 0755);
}

static int remove_directories(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf -- '%s'", (const char *)*state);
    return system(command);
}

static void write_bytes(const char *directory, const char *name, const char *text, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
    assert_int_equal(chmod(path, 0644), 0);
}

static void write_file(const char *directory, const char *name, const char *text)
{
    write_bytes(directory, name, text, strlen(text));
}

static int read_spec(const char *spec, struct policy_files **files, struct policy_error *error)
{
    const char *const directories[] = {first, second};
    assert_int_equal(policy_files_new(files), 0);
    return policy_files_read(*files, directories, 2, spec, error);
}

static struct policy_files *must_read(const char *spec)
{
    struct policy_files *files = NULL;
    struct policy_error error = {{0}};
    int result = read_spec(spec, &files, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    return files;
}

static void refuses(const char *spec, const char *words)
{
    struct policy_files *files = NULL;
    struct policy_error error = {{0}};
    int result = read_spec(spec, &files, &error);
    if (result != POLICY_E_INVALID || !strstr(error.text, words))
        print_error("%d %s\n", result, error.text);
    assert_int_equal(result, POLICY_E_INVALID);
    assert_non_null(strstr(error.text, words));
    policy_files_free(files);
}

static void everything_that_a_spec_needs_is_read(void **state)
{
    write_file(second, "A.policy", BASE);
    write_file(first, "B.policy", "Inherit A\n");
    write_file(first, "X.policy", "SubPolicy yes\nCiphers -aes128-ctr\n");
    write_file(first, "OTHER.policy", "nonsense\n");
    struct policy_files *files = must_read("B:X");
    assert_non_null(policy_files_find(files, "A"));
    assert_non_null(policy_files_find(files, "B"));
    assert_non_null(policy_files_find(files, "X"));
    assert_null(policy_files_find(files, "OTHER"));
    policy_free(must_load(files, "B:X"));
}

static void the_first_directory_wins(void **state)
{
    write_file(first, "A.policy", "Description first\n" BASE);
    write_file(second, "A.policy", "Description second\n" BASE);
    struct policy *policy = must_load(must_read("A"), "A");
    assert_string_equal(policy->description, "first");
    assert_int_equal(strncmp(policy->lists[POLICY_KEX].entries[0].origin.file, first, strlen(first)), 0);
    policy_free(policy);
}

static void signatures_come_along(void **state)
{
    write_file(first, "A.policy", BASE);
    write_file(first, "A.policy.sig", "signed");
    write_file(first, "B.policy", "Inherit A\n");
    struct policy_files *files = must_read("B");
    assert_true(sp_span_is(policy_files_find(files, "A")->signature, "signed"));
    assert_int_equal(policy_files_find(files, "B")->signature.size, 0);
    policy_files_free(files);
}

static void what_is_not_there_says_where_it_was_looked_for(void **state)
{
    write_file(second, "LOCAL.policy", BASE);
    refuses("NONE", "there is no NONE.policy in ");
    refuses("NONE", first);
    refuses("NONE", second);
    refuses("LOCLA", "perhaps \"LOCAL\"");
    refuses("LOCAL:NONE", "there is no NONE.policy");
    refuses("/nonexistent/opensshserver.config", "No such file");
}

static void default_need_not_be_in_a_directory(void **state)
{
    struct policy_files *files = must_read("DEFAULT");
    assert_null(policy_files_at(files, 0));
    policy_free(must_load(files, "DEFAULT"));
    write_file(second, "DEFAULT.policy", BASE);
    files = must_read("DEFAULT");
    assert_non_null(policy_files_at(files, 0));
    policy_files_free(files);
}

static void a_generated_file_is_read_by_its_path(void **state)
{
    char path[128];
    write_file(first, "opensshserver.config", "Ciphers aes256-ctr\n");
    snprintf(path, sizeof path, "%s/opensshserver.config", first);
    struct policy *policy = must_load(must_read(path), path);
    assert_int_equal(policy->lists[POLICY_CIPHER].count, 1);
    policy_free(policy);
}

static void a_link_may_lead_to_a_regular_file_only(void **state)
{
    char path[128];
    write_file(second, "TARGET", BASE);
    snprintf(path, sizeof path, "%s/A.policy", first);
    assert_int_equal(symlink("../second/TARGET", path), 0);
    policy_free(must_load(must_read("A"), "A"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    refuses("A", "expected a regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    refuses("A", "expected a regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    refuses("A", "expected a regular file");
}

static void what_others_can_write_is_refused(void **state)
{
    char path[128];
    write_file(first, "A.policy", BASE);
    snprintf(path, sizeof path, "%s/A.policy", first);
    assert_int_equal(chmod(path, 0646), 0);
    refuses("A", "neither others nor a group");
    assert_int_equal(chmod(path, 0664), 0);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    if (about.st_gid == 0) {
        policy_files_free(must_read("A"));
        assert_int_equal(chown(path, (uid_t)-1, 12345), 0);
        assert_int_equal(chmod(path, 0664), 0);
    }
    refuses("A", "neither others nor a group");
}

/* Its owner can write it whatever its mode says. */
static void a_strangers_file_is_refused(void **state)
{
    char path[128];
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(*state, 0755), 0);
    write_file(first, "A.policy", BASE);
    policy_files_free(must_read("A"));
    snprintf(path, sizeof path, "%s/A.policy", first);
    assert_int_equal(chown(path, 12345, 0), 0);
    refuses("A", "expected a file of root's, and it is uid 12345's");
    /* Who looks at a file of his own, or at the administrator's, may. */
    write_file(first, "B.policy", BASE);
    assert_int_equal(seteuid(12345), 0);
    policy_files_free(must_read("A"));
    policy_files_free(must_read("B"));
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chown(path, 0, 0), 0);
    write_file(first, "A.policy.sig", "signed");
    snprintf(path, sizeof path, "%s/A.policy.sig", first);
    assert_int_equal(chown(path, 12345, 0), 0);
    refuses("A", "A.policy.sig: expected a file of root's");
}

static void large_files_are_refused(void **state)
{
    static char large[POLICY_FILE_MAX + 1];
    memset(large, '\n', sizeof large);
    memcpy(large, BASE, strlen(BASE));
    write_bytes(first, "A.policy", large, POLICY_FILE_MAX);
    policy_files_free(must_read("A"));
    write_bytes(first, "A.policy", large, sizeof large);
    refuses("A", "at most 65536 octets, got 65537");
    write_file(first, "A.policy", BASE);
    write_bytes(first, "A.policy.sig", large, POLICY_SIGNATURE_MAX + 1);
    refuses("A", "at most 8192 octets");
}

static void loops_end(void **state)
{
    write_file(first, "A.policy", "Inherit B\n");
    write_file(first, "B.policy", "Inherit A\n");
    must_refuse_at(must_read("A"), "A", 0, "", "A -> B -> A");
}

static void no_name_leads_out_of_the_directories(void **state)
{
    write_file(second, "A.policy", BASE);
    write_file(first, "B.policy", "Inherit ../second/A\n");
    refuses("../second/A", "expected a name");
    must_refuse_at(must_read("B"), "B", 0, "", "there is no policy \"../second/A\"");
}

static void all_of_the_directories_are_listed(void **state)
{
    const char *const directories[] = {first, "/nonexistent/policy.d", second};
    struct policy_files *files = NULL;
    struct policy_error error;
    write_file(first, "B.policy", "one");
    write_file(first, "A.policy", "two");
    write_file(second, "B.policy", "three");
    write_file(second, "C.policy", "four");
    write_file(second, ".hidden.policy", "five");
    write_file(second, "D.policy~", "six");
    write_file(second, "SYSTEM.policy", "seven");
    assert_int_equal(policy_files_new(&files), 0);
    assert_int_equal(policy_files_read_all(files, directories, 3, &error), 0);
    assert_string_equal(policy_files_at(files, 0)->name, "A");
    assert_string_equal(policy_files_at(files, 1)->name, "B");
    assert_true(sp_span_is(policy_files_at(files, 1)->text, "one"));
    assert_string_equal(policy_files_at(files, 2)->name, "C");
    assert_null(policy_files_at(files, 3));
    policy_files_free(files);
}

#define WITH_DIRECTORIES(test_) cmocka_unit_test_setup_teardown(test_, make_directories, remove_directories)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORIES(everything_that_a_spec_needs_is_read),
        WITH_DIRECTORIES(the_first_directory_wins),
        WITH_DIRECTORIES(signatures_come_along),
        WITH_DIRECTORIES(what_is_not_there_says_where_it_was_looked_for),
        WITH_DIRECTORIES(default_need_not_be_in_a_directory),
        WITH_DIRECTORIES(a_generated_file_is_read_by_its_path),
        WITH_DIRECTORIES(a_link_may_lead_to_a_regular_file_only),
        WITH_DIRECTORIES(what_others_can_write_is_refused),
        WITH_DIRECTORIES(a_strangers_file_is_refused),
        WITH_DIRECTORIES(large_files_are_refused),
        WITH_DIRECTORIES(loops_end),
        WITH_DIRECTORIES(no_name_leads_out_of_the_directories),
        WITH_DIRECTORIES(all_of_the_directories_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
