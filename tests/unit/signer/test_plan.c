/* Plans: keys grouped by token, and configurations that make none. */
#include "support.h"

#include <stdio.h>

#include "signer/plan.h"

static char *keys[64], *variables[8];

/* A configuration as far as plans look at it. */
static struct config configure(size_t key_count)
{
    return (struct config){.host_keys = {keys, key_count},
                           .token_module = (char *)(uintptr_t) "/usr/lib/m.so",
                           .token_pin = (char *)(uintptr_t) "file:/etc/pin",
                           .token_environment = {variables, 0},
                           .token_threads = 1};
}

#define TEXT(text_) ((char *)(uintptr_t)(text_))

static void refuses(const struct config *config, const char *why)
{
    struct plan plan;
    char error[512] = "";
    assert_int_equal(plan_make(config, &plan, error, sizeof error), PLAN_E_INVALID);
    if (!strstr(error, why))
        fail_msg("refused because %s", error);
    plan_free(&plan);
}

static void groups_keys_by_token(void **state)
{
    struct plan plan;
    char error[512];
    keys[0] = TEXT("pkcs11:token=a;object=1");
    keys[1] = TEXT("pkcs11:object=2;token=b");
    keys[2] = TEXT("pkcs11:object=3;token=%61");
    keys[3] = TEXT("pkcs11:object=4;token=a?module-path=/usr/lib/other.so");
    keys[4] = TEXT("pkcs11:object=5;token=a?pin-source=credential:p");
    struct config config = configure(5);
    assert_int_equal(plan_make(&config, &plan, error, sizeof error), 0);
    assert_int_equal(plan.token_count, 4);
    assert_int_equal(plan.tokens[0].uri_count, 2);
    assert_string_equal(plan.tokens[0].uris[1], "pkcs11:token=a;object=3");
    assert_int_equal(plan.keys[2].first_token, 0);
    assert_int_equal(plan.keys[2].index, 1);
    assert_string_equal(plan.tokens[2].module, "/usr/lib/other.so");
    assert_string_equal(plan.tokens[3].pin_source, "credential:p");
    assert_string_equal(plan.keys[1].written, keys[1]);
    plan_free(&plan);
}

/* They come behind, whatever the order of the lines. */
static void staged_keys_are_planned_like_the_others(void **state)
{
    struct plan plan;
    char error[512];
    char *staged[] = {TEXT("pkcs11:token=a;object=next")};
    keys[0] = TEXT("pkcs11:token=a;object=1");
    keys[1] = TEXT("pkcs11:token=b;object=2");
    struct config config = configure(2);
    config.host_keys_staged = (struct config_list){staged, 1};
    assert_int_equal(plan_make(&config, &plan, error, sizeof error), 0);
    assert_int_equal(plan.key_count, 3);
    assert_int_equal(plan.token_count, 2);
    assert_false(plan.keys[0].staged || plan.keys[1].staged);
    assert_true(plan.keys[2].staged);
    assert_string_equal(plan.keys[2].keyword, "HostKeyStaged");
    assert_int_equal(plan.keys[2].first_token, 0);
    plan_free(&plan);
    staged[0] = keys[1];
    refuses(&config, "HostKeyStaged pkcs11:token=b;object=2 names a key that another line names already");
    staged[0] = TEXT("pkcs11:object");
    refuses(&config, "HostKeyStaged pkcs11:object: ");
    config.host_keys.count = 0;
    refuses(&config, "no HostKey is configured");
}

static void counts_current_and_staged_keys_together(void **state)
{
    static char names[PLAN_KEYS_MAX + 1][64];
    char *staged[] = {names[PLAN_KEYS_MAX]};
    struct plan plan;
    char error[512];
    for (size_t i = 0; i <= PLAN_KEYS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "pkcs11:token=a;object=%zu", i);
        keys[i] = names[i];
    }
    struct config config = configure(PLAN_KEYS_MAX - 1);
    config.host_keys_staged = (struct config_list){staged, 1};
    assert_int_equal(plan_make(&config, &plan, error, sizeof error), 0);
    plan_free(&plan);
    config.host_keys.count = PLAN_KEYS_MAX;
    refuses(&config, "more than 32 HostKey and HostKeyStaged lines");
}

static void gives_keys_to_the_provider_of_their_scheme(void **state)
{
    char *modules[] = {TEXT("/usr/lib/m.so"), TEXT("/usr/lib/vault.so")};
    struct plan plan;
    char error[512];
    keys[0] = TEXT("vault:a");
    keys[1] = TEXT("pkcs11:object=1");
    keys[2] = TEXT("vault:b;object=1?x");
    struct config config = configure(3);
    config.token_threads = 2;
    config.load_modules = (struct config_list){modules, 2};
    config.modules[0] = (struct config_module){.kind = SP_KIND_MAC, .name = "vault"};
    config.modules[1] = (struct config_module){.kind = SP_KIND_HOSTKEY, .name = "vault"};
    assert_int_equal(plan_make(&config, &plan, error, sizeof error), 0);
    assert_int_equal(plan.token_count, 4);
    assert_true(plan.tokens[0].provider && plan.tokens[1].provider);
    assert_false(plan.tokens[2].provider || plan.tokens[3].provider);
    assert_string_equal(plan.tokens[0].module, "/usr/lib/vault.so");
    assert_string_equal(plan.tokens[0].token, "vault");
    assert_string_equal(plan.tokens[0].pin_source, "file:/etc/pin");
    assert_int_equal(plan.tokens[1].uri_count, 2);
    assert_string_equal(plan.tokens[1].uris[1], "vault:b;object=1?x");
    assert_int_equal(plan.keys[2].first_token, 0);
    assert_int_equal(plan.keys[2].index, 1);
    plan_free(&plan);
    keys[2] = keys[0];
    refuses(&config, "HostKey vault:a names a key that another line names already");
    keys[2] = TEXT("other:a");
    refuses(&config, "HostKey other:a: a host key is named by a pkcs11: URI");
}

static void makes_replicas(void **state)
{
    struct plan plan;
    char error[512];
    keys[0] = TEXT("pkcs11:token=a;object=1");
    keys[1] = TEXT("pkcs11:token=b;object=2");
    struct config config = configure(2);
    config.token_threads = 3;
    assert_int_equal(plan_make(&config, &plan, error, sizeof error), 0);
    assert_int_equal(plan.token_count, 6);
    assert_int_equal(plan.keys[1].first_token, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(plan.tokens[i].replica, i);
        assert_string_equal(plan.tokens[i].uris[0], "pkcs11:token=a;object=1");
    }
    assert_false(token_spec_equal(&plan.tokens[0], &plan.tokens[1]));
    assert_true(token_spec_equal(&plan.tokens[1], &plan.tokens[1]));
    plan_free(&plan);
}

static void refuses_no_and_too_many_keys(void **state)
{
    struct config none = configure(0), many = configure(PLAN_KEYS_MAX + 1);
    refuses(&none, "no HostKey");
    for (size_t i = 0; i <= PLAN_KEYS_MAX; i++)
        keys[i] = TEXT("pkcs11:object=1");
    refuses(&many, "more than");
}

static void refuses_a_key_twice(void **state)
{
    keys[0] = TEXT("pkcs11:token=a;object=1");
    keys[1] = TEXT("pkcs11:object=1;token=a");
    struct config config = configure(2);
    refuses(&config, "another line");
}

static void refuses_too_many_processes(void **state)
{
    keys[0] = TEXT("pkcs11:token=a;object=1");
    keys[1] = TEXT("pkcs11:token=b;object=1");
    keys[2] = TEXT("pkcs11:token=c;object=1");
    struct config config = configure(3);
    config.token_threads = 16;
    refuses(&config, "TokenThreads");
}

static void names_the_line_that_is_wrong(void **state)
{
    keys[0] = TEXT("pkcs11:object=1");
    keys[1] = TEXT("/etc/ssh/key");
    struct config config = configure(2);
    refuses(&config, "HostKey /etc/ssh/key");
    keys[1] = TEXT("pkcs11:object=2?pin-source=%7C/bin/cat");
    refuses(&config, "file:/PATH");
    config = configure(1);
    config.token_module = TEXT("m.so");
    refuses(&config, "TokenModule");
}

static void pin_sources(void **state)
{
    assert_true(pin_source_is_valid("file:/x"));
    assert_true(pin_source_is_valid("credential:token-pin"));
    static const char *const bad[] = {"",
                                      "x",
                                      "/x",
                                      "file:",
                                      "file:x",
                                      "|cmd",
                                      "credential:",
                                      "credential:a/b",
                                      "credential:..",
                                      "credential:.x"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(pin_source_is_valid(bad[i]));
}

static void environment_variables(void **state)
{
    static const char *const good[] = {"SOFTHSM2_CONF=/x", "A=", "_1=a=b", "TPM2_PKCS11_TCTI=swtpm:path=/x",
                                       "P11_KIT_SERVER_ADDRESS=unix:path=/run/x"};
    static const char *const bad[] = {"",
                                      "A",
                                      "=x",
                                      "1A=x",
                                      "A B=x",
                                      "LD_PRELOAD=/x",
                                      "LD_LIBRARY_PATH=/x",
                                      "OPENSSL_CONF=/x",
                                      "OPENSSL_MODULES=/x",
                                      "GCONV_PATH=/x",
                                      "P11_KIT_DEBUG=1",
                                      "P11_KIT_SERVER_ADDRESS=|/x",
                                      "P11_KIT_SERVER_ADDRESS=unix:path=x",
                                      "P11_KIT_SERVER_ADDRESS_=unix:path=/x",
                                      "P11_KIT_SERVER_ADDRESS=",
                                      "GLIBC_TUNABLES=x",
                                      "MALLOC_CHECK_=1"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(environment_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(environment_is_valid(bad[i]));
}

static void refuses_variables_that_load_code(void **state)
{
    keys[0] = TEXT("pkcs11:object=1");
    struct config config = configure(1);
    variables[0] = TEXT("LD_PRELOAD=/x");
    config.token_environment.count = 1;
    refuses(&config, "TokenEnvironment LD_PRELOAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_keys_by_token),
        cmocka_unit_test(staged_keys_are_planned_like_the_others),
        cmocka_unit_test(counts_current_and_staged_keys_together),
        cmocka_unit_test(gives_keys_to_the_provider_of_their_scheme),
        cmocka_unit_test(makes_replicas),
        cmocka_unit_test(refuses_no_and_too_many_keys),
        cmocka_unit_test(refuses_a_key_twice),
        cmocka_unit_test(refuses_too_many_processes),
        cmocka_unit_test(names_the_line_that_is_wrong),
        cmocka_unit_test(pin_sources),
        cmocka_unit_test(environment_variables),
        cmocka_unit_test(refuses_variables_that_load_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
