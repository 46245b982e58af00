/* LoadModule lines: what the files say travels with the snapshot, and what is wrong with one is said with its place. argv[1]:
 * the directory of the modules that tests/fake/module_bad.c makes. */
#include "support.h"

#include "config/policies.h"

static const char *directory;

/* What a file with these lines comes to; in them, @ stands for the directory. */
static int read_lines(const char *lines, struct config_source **source, struct config_error *error)
{
    char path[] = "/tmp/modules-conf-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    for (const char *at = lines; *at != '\0'; at++)
        if (at[0] == '@' && at[1] == '/')
            fputs(directory, file);
        else
            fputc(*at, file);
    fclose(file);
    int result = config_source_read(path, source, error);
    unlink(path);
    return result;
}

static struct config_source *must_read(const char *lines)
{
    struct config_source *source = NULL;
    struct config_error error = {0};
    int result = read_lines(lines, &source, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    return source;
}

static struct config *must_evaluate_source(const struct config_source *source)
{
    struct config *config = NULL;
    struct config_error error = {0};
    assert_int_equal(config_evaluate(source, &nobody_known, &config, &error), 0);
    return config;
}

static void refuses(const char *lines, const char *place, const char *words)
{
    struct config_source *source = NULL;
    struct config_error error = {0};
    assert_int_equal(read_lines(lines, &source, &error), CONFIG_E_INVALID);
    if (!strstr(error.text, place) || !strstr(error.text, words))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error.text, place, words);
}

#define MAC "LoadModule @/good.so\n"
#define PROVIDER "LoadModule @/kind_hostkey.so\n"

static void finds_modules_by_kind_and_name(void **state)
{
    struct config_source *source = must_read(PROVIDER MAC "HostKey vault:a\n");
    struct config *config = must_evaluate_source(source);
    config_source_free(source);
    const char *mac = config_module_find(config, SP_KIND_MAC, sp_text("bad@example.org"));
    const char *provider = config_module_find(config, SP_KIND_HOSTKEY, sp_text("vault"));
    assert_non_null(mac);
    assert_non_null(strstr(mac, "/good.so"));
    assert_non_null(provider);
    assert_non_null(strstr(provider, "/kind_hostkey.so"));
    assert_null(config_module_find(config, SP_KIND_MAC, sp_text("vault")));
    assert_null(config_module_find(config, SP_KIND_HOSTKEY, sp_text("")));
    config_free(config);
}

static void every_program_sees_the_same_names(void **state)
{
    struct config_source *source = must_read(MAC "MACs +bad@example.org\n"), *copy = NULL;
    struct config_error error = {0};
    struct policy *policy = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    assert_int_equal(size, source->packed_size);
    assert_int_equal(config_source_unpack(sp_span_of(data, size), &copy, &error), 0);
    struct config *config = must_evaluate_source(copy);
    assert_int_equal(config_policy(copy, config, 0, &policy, &error), 0);
    policy_free(policy);
    config_free(config);
    config_source_free(copy);
    config_source_free(source);
    free(data);
}

/* The monitor writes the snapshot, and root reads it. */
static void a_forged_snapshot_takes_no_names(void **state)
{
    struct config_source *source = must_read(MAC), *copy = NULL;
    struct config_error error = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    uint8_t *name = memmem(data, size, "bad@example.org", 15);
    assert_non_null(name);
    volatile size_t kind = (size_t)(name - data) - 5; /* of its low octet; compilers see too little of the memory */
    memcpy(name, "umac@openssh.c,", 15);
    assert_int_equal(config_source_unpack(sp_span_of(data, size), &copy, &error), CONFIG_E_INVALID);
    data[kind] = SP_KIND_KEX;
    memcpy(name, "bad@example.org", 15);
    assert_int_equal(config_source_unpack(sp_span_of(data, size), &copy, &error), CONFIG_E_INVALID);
    data[kind] = SP_KIND_MAC;
    assert_int_equal(config_source_unpack(sp_span_of(data, size), &copy, &error), 0);
    config_source_free(copy);
    config_source_free(source);
    free(data);
}

static void refusals_name_place_file_and_fault(void **state)
{
    refuses("Port 22\nLoadModule @/note_abi.so\n", " line 2: LoadModule: module ",
            "/note_abi.so: it was built for version 3 of the ABI, expected 2");
    refuses("LoadModule /nonexistent/m.so\n", " line 1: ", "module /nonexistent/m.so: No such file");
    refuses("LoadModule /usr/share\n", " line 1: ", "it is no regular file");
    refuses("LoadModule /etc/passwd\n", " line 1: ", "it is no shared object");
}

static void a_name_is_had_once(void **state)
{
    refuses(MAC MAC, " line 1: LoadModule ", "the name bad@example.org is already taken");
}

static void a_module_does_not_take_a_name_of_others(void **state)
{
    struct config_source *source = must_read("Port 22\n");
    struct config_error error = {0};
    struct sp_module_facts facts = {.kind = SP_KIND_MAC, .name = "hmac-sha2-256-etm@openssh.com"};
    assert_int_equal(source_add_module(source, "/m.so", &facts, &error), CONFIG_E_INVALID);
    assert_non_null(
        strstr(error.text, "LoadModule /m.so: the name hmac-sha2-256-etm@openssh.com is already taken"));
    config_source_free(source);
}

static void lines_are_limited(void **state)
{
    char lines[2048] = "";
    for (unsigned i = 0; i <= CONFIG_MODULES_MAX; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "LoadModule /m%u.so\n", i);
    must_refuse(lines, "test.conf line 1: ", "LoadModule: expected at most 16 modules");
}

static void a_path_is_absolute(void **state)
{
    must_refuse("LoadModule m.so\n", "test.conf line 1: ", "expected an absolute path");
    must_refuse("LoadModule /a.so /b.so\n", "test.conf line 1: ", "expected one argument");
    must_refuse("Match all\nLoadModule /a.so\n", "test.conf line 2: ", "LoadModule");
}

static void a_host_key_needs_its_provider(void **state)
{
    refuses(MAC "HostKey bad:x\n",
            " line 2: HostKey bad:x: ", "no LoadModule line names a provider of \"bad:\"");
    refuses(PROVIDER "HostKeyStaged other:x\n",
            " line 2: HostKeyStaged other:x: ", "a provider of \"other:\"");
}

static void host_keys_are_one_word_behind_a_scheme(void **state)
{
    static const char *const wrong[] = {"/etc/ssh/key", "file:/etc/key", "vault:", "VAULT:x", ":x"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        char line[128];
        snprintf(line, sizeof line, "HostKey \"%s\"\n", wrong[i]);
        must_refuse(line, "test.conf line 1: ", "expected a pkcs11: URI");
    }
    must_refuse("HostKey \"vault:a b\"\n", "test.conf line 1: ", "expected a pkcs11: URI");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_modules_by_kind_and_name),
        cmocka_unit_test(every_program_sees_the_same_names),
        cmocka_unit_test(a_forged_snapshot_takes_no_names),
        cmocka_unit_test(refusals_name_place_file_and_fault),
        cmocka_unit_test(a_name_is_had_once),
        cmocka_unit_test(a_module_does_not_take_a_name_of_others),
        cmocka_unit_test(lines_are_limited),
        cmocka_unit_test(a_path_is_absolute),
        cmocka_unit_test(a_host_key_needs_its_provider),
        cmocka_unit_test(host_keys_are_one_word_behind_a_scheme),
    };
    if (argc != 2)
        return 64;
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
