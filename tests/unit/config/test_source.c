/* Files, Include and their limits. Each test has a directory of its own below /tmp. */
#include "support.h"

#include <ftw.h>
#include <sys/stat.h>

#include "base/fd.h"

struct place {
    char path[64];
};

static int make_directory(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->path, sizeof place->path, "/tmp/test-config-XXXXXX");
    *state = place;
    return place && mkdtemp(place->path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    return remove(path);
}

static int remove_directory(void **state)
{
    struct place *place = *state;
    int result = nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(place);
    return result;
}

/* "%s" in the text stands for the directory. */
static void put_file(const struct place *place, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (const char *mark; (mark = strstr(text, "%s")) != NULL; text = mark + 2)
        fprintf(file, "%.*s%s", (int)(mark - text), text, place->path);
    fputs(text, file);
    fclose(file);
}

static int read_file(const struct place *place, const char *name, struct config_source **source,
                     struct config_error *error)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    return config_source_read(path, source, error);
}

static struct config *must_read(const struct place *place, const struct config_who *who)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    int result = read_file(place, "main", &source, &error);
    if (result == 0)
        result = config_evaluate(source, who, &config, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    config_source_free(source);
    return config;
}

static void must_not_read(const struct place *place, const char *file, const char *words)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    char prefix[160];
    int result = read_file(place, "main", &source, &error);
    if (result == 0)
        result = config_evaluate(source, &nobody_known, &config, &error);
    config_source_free(source);
    snprintf(prefix, sizeof prefix, "%s/%s", place->path, file);
    if (strncmp(error.text, prefix, strlen(prefix)) != 0 || !strstr(error.text, words))
        print_error("%s\n", error.text);
    assert_int_equal(result, CONFIG_E_INVALID);
    assert_int_equal(strncmp(error.text, prefix, strlen(prefix)), 0);
    assert_non_null(strstr(error.text, words));
}

static void reads_an_empty_file_as_all_defaults(void **state)
{
    put_file(*state, "main", "");
    struct config *config = must_read(*state, &nobody_known);
    assert_int_equal(config->max_auth_tries, 6);
    assert_int_equal(config->ports.count, 1);
    assert_string_equal(config->ports.items[0], "22");
    config_free(config);
}

static void reads_a_last_line_without_newline(void **state)
{
    put_file(*state, "main", "MaxSessions 3\nMaxAuthTries 5");
    struct config *config = must_read(*state, &nobody_known);
    assert_int_equal(config->max_auth_tries, 5);
    config_free(config);
}

static void says_which_file_cannot_be_opened(void **state)
{
    must_not_read(*state, "main", "cannot open: No such file");
}

static void includes_in_lexical_order(void **state)
{
    put_file(*state, "b.conf", "MaxAuthTries 2\nAcceptEnv B\n");
    put_file(*state, "a.conf", "MaxAuthTries 1\nAcceptEnv A\n");
    put_file(*state, "C.conf", "AcceptEnv C\n");
    put_file(*state, "d.txt", "AcceptEnv D\n");
    put_file(*state, "main", "Include %s/*.conf\nMaxAuthTries 3\n");
    struct config *config = must_read(*state, &nobody_known);
    assert_int_equal(config->max_auth_tries, 1);
    assert_int_equal(config->accept_env.count, 3);
    assert_string_equal(config->accept_env.items[0], "C");
    assert_string_equal(config->accept_env.items[1], "A");
    assert_string_equal(config->accept_env.items[2], "B");
    config_free(config);
}

static void includes_several_files_of_one_line(void **state)
{
    put_file(*state, "x", "AcceptEnv X\n");
    put_file(*state, "y", "AcceptEnv Y\n");
    put_file(*state, "main", "include \"%s/y\" %s/x # both\n");
    struct config *config = must_read(*state, &nobody_known);
    assert_string_equal(config->accept_env.items[0], "Y");
    assert_string_equal(config->accept_env.items[1], "X");
    config_free(config);
}

static void a_pattern_may_match_nothing_but_a_named_file_must_exist(void **state)
{
    put_file(*state, "main", "Include %s/*.none %s/none/*.conf %s/*/x\n");
    config_free(must_read(*state, &nobody_known));
    put_file(*state, "main", "\nInclude %s/none\n");
    must_not_read(*state, "main line 2: ", "No such file");
}

static void names_the_included_file_and_its_line(void **state)
{
    put_file(*state, "part", "# one\nMaxAuthTries 0\n");
    put_file(*state, "main", "Include %s/part\n");
    must_not_read(*state, "part line 2: ", "MaxAuthTries: expected");
    put_file(*state, "part", "Banner \"x\n");
    must_not_read(*state, "part line 1: ", "closing quote");
}

static void refuses_to_include_what_is_no_file(void **state)
{
    const struct place *place = *state;
    char path[128];
    put_file(place, "main", "Include %s/fifo\n");
    snprintf(path, sizeof path, "%s/fifo", place->path);
    assert_int_equal(mkfifo(path, 0600), 0);
    must_not_read(place, "main line 1: ", "regular file");
    put_file(place, "main", "Include %s\n");
    must_not_read(place, "main line 1: ", "regular file");
}

/* A link that leads to itself fails with ELOOP for root too, unlike a directory without permissions. */
static void a_pattern_through_what_cannot_be_read_is_an_error(void **state)
{
    const struct place *place = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/loop", place->path);
    assert_int_equal(symlink("loop", path), 0);
    put_file(place, "main", "Include %s/loop/*.conf\n");
    must_not_read(place, "main line 1: ", "cannot read the directory");
}

static void a_match_block_ends_with_its_file(void **state)
{
    static const struct config_who who = {.user = "alice"};
    put_file(*state, "part", "Match User alice\nMaxAuthTries 2\n");
    put_file(*state, "main", "Include %s/part\nMaxSessions 4\nLogLevel DEBUG\n");
    struct config *config = must_read(*state, &who);
    assert_int_equal(config->max_auth_tries, 2);
    assert_int_equal(config->max_sessions, 4);
    assert_string_equal(config->log_level, "DEBUG");
    config_free(config);
}

static void the_state_of_a_block_is_back_after_an_include(void **state)
{
    static const struct config_who alice = {.user = "alice"}, bob = {.user = "bob"};
    put_file(*state, "part", "MaxAuthTries 2\nMatch User bob\nMaxAuthTries 3\nMatch all\nBanner /part\n");
    put_file(*state, "main", "Match User alice\nInclude %s/part\nMaxSessions 4\n");
    struct config *config = must_read(*state, &alice);
    assert_int_equal(config->max_auth_tries, 2);
    assert_int_equal(config->max_sessions, 4);
    assert_string_equal(config->banner, "/part");
    config_free(config);
    /* Bob matches inside, but the whole file is included from a block that is not his. */
    config = must_read(*state, &bob);
    assert_int_equal(config->max_auth_tries, 6);
    assert_int_equal(config->max_sessions, 10);
    assert_string_equal(config->banner, "none");
    config_free(config);
}

static void global_keywords_stay_out_of_files_included_in_a_block(void **state)
{
    put_file(*state, "part", "Port 23\n");
    put_file(*state, "main", "Match User alice\nInclude %s/part\n");
    must_not_read(*state, "part line 1: ", "Port: expected before the first Match");
}

static void stops_at_sixteen_levels(void **state)
{
    char name[8], text[32];
    for (int i = 1; i < 15; i++) {
        snprintf(name, sizeof name, "l%d", i);
        snprintf(text, sizeof text, "Include %%s/l%d\n", i + 1);
        put_file(*state, name, text);
    }
    put_file(*state, "l15", "MaxAuthTries 4\n");
    put_file(*state, "main", "Include %s/l1\n");
    struct config *config = must_read(*state, &nobody_known);
    assert_int_equal(config->max_auth_tries, 4);
    config_free(config);
    put_file(*state, "l15", "Include %s/l16\n");
    put_file(*state, "l16", "MaxAuthTries 5\n");
    must_not_read(*state, "l15 line 1: ", "16 levels");
    put_file(*state, "main", "Include %s/main\n");
    must_not_read(*state, "main line 1: ", "16 levels");
}

static void stops_at_the_total_size(void **state)
{
    static char text[CONFIG_SNAPSHOT_MAX / 2 + 100];
    memset(text, '#', sizeof text - 1);
    put_file(*state, "half", text);
    put_file(*state, "main", "Include %s/half\n");
    config_free(must_read(*state, &nobody_known));
    put_file(*state, "main", "Include %s/half %s/half\n");
    must_not_read(*state, "main line 1: ", "1048576 octets");
}

static void stops_at_the_size_of_the_snapshot(void **state)
{
    enum { LINES = 100000 }; /* 4 octets each in the file, 12 in the snapshot */
    static char text[LINES * 4 + 1];
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + 4 * i, "A b\n", 4);
    put_file(*state, "main", text);
    must_not_read(*state, "main line ", "1048576 octets");
}

static void a_text_in_memory_cannot_include(void **state)
{
    must_refuse("Include /etc/passwd\n", "test.conf line 1: Include: ", "cannot include");
}

#define IN_DIRECTORY(test_) cmocka_unit_test_setup_teardown(test_, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(reads_an_empty_file_as_all_defaults),
        IN_DIRECTORY(reads_a_last_line_without_newline),
        IN_DIRECTORY(says_which_file_cannot_be_opened),
        IN_DIRECTORY(includes_in_lexical_order),
        IN_DIRECTORY(includes_several_files_of_one_line),
        IN_DIRECTORY(a_pattern_may_match_nothing_but_a_named_file_must_exist),
        IN_DIRECTORY(names_the_included_file_and_its_line),
        IN_DIRECTORY(refuses_to_include_what_is_no_file),
        IN_DIRECTORY(a_pattern_through_what_cannot_be_read_is_an_error),
        IN_DIRECTORY(a_match_block_ends_with_its_file),
        IN_DIRECTORY(the_state_of_a_block_is_back_after_an_include),
        IN_DIRECTORY(global_keywords_stay_out_of_files_included_in_a_block),
        IN_DIRECTORY(stops_at_sixteen_levels),
        IN_DIRECTORY(stops_at_the_total_size),
        IN_DIRECTORY(stops_at_the_size_of_the_snapshot),
        cmocka_unit_test(a_text_in_memory_cannot_include),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
