/*
 * From a configuration to its policies: what the configuration's own lists may do, who gets which policy, and that a
 * mistake is found when it is loaded. Policy files are put into the source as the snapshot would.
 */
#include "support.h"

#include "config/policies.h"
#include "config/source.h"

#define NOW 1800000000 /* 2027-01-15 */

static void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}

static void file_add(struct config_source *source, const char *path, const char *text)
{
    struct config_error error;
    const struct policy_file file = {.path = (char *)(uintptr_t)path, .text = sp_text(text)};
    assert_int_equal(source_add_policy(source, &file, &error), 0);
}

/* A site with some policies. */
static struct config_source *site(const char *text)
{
    struct config_source *source = must_parse(text);
    file_add(
        source, "/p/SMALL.policy",
        "Inherit DEFAULT\nCiphers aes256-gcm@openssh.com,aes128-gcm@openssh.com\nRequiredRSASize 3072\n");
    file_add(source, "/p/SMALLER.policy", "Inherit SMALL\nCiphers aes256-gcm@openssh.com\n");
    file_add(source, "/p/OPEN.policy",
             "Inherit DEFAULT\nCiphers aes256-gcm@openssh.com\nAllowLoosening yes\n");
    file_add(source, "/p/ENDED.policy", "Inherit DEFAULT\nExpires 2026-01-01\n");
    return source;
}

static void must_check(const char *text)
{
    struct config_source *source = site(text);
    struct config_error error = {{0}};
    int result = config_policies_check(source, NOW, &error);
    if (result)
        print_error("%s\n-> %s\n", text, error.text);
    assert_int_equal(result, 0);
    config_source_free(source);
}

static void must_not_check(const char *text, const char *place, const char *words)
{
    struct config_source *source = site(text);
    struct config_error error = {{0}};
    int result = config_policies_check(source, NOW, &error);
    if (result == 0 || !strstr(error.text, place) || !strstr(error.text, words))
        print_error("%s\n-> %s\n", text, error.text);
    assert_int_equal(result, CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, place));
    assert_non_null(strstr(error.text, words));
    config_source_free(source);
}

static bool policy_has(const struct policy *policy, enum policy_kind kind, const char *name)
{
    for (size_t i = 0; i < policy->lists[kind].count; i++)
        if (strcmp(policy->lists[kind].entries[i].name, name) == 0)
            return true;
    return false;
}

static struct policy *policy_for(const char *text, const struct config_who *who)
{
    struct config_source *source = site(text);
    struct config *config = NULL;
    struct policy *policy = NULL;
    struct config_error error = {{0}};
    assert_int_equal(config_evaluate(source, who, &config, &error), 0);
    int result = config_policy(source, config, NOW, &policy, &error);
    if (result)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    config_free(config);
    config_source_free(source);
    return policy;
}

static void without_a_policy_the_lists_modify_default_freely(void **state)
{
    CLEANUP(policy_cleanup)
    struct policy *policy = policy_for("Ciphers +aes128-ctr\nMACs +hmac-sha1\n", &nobody_known);
    assert_string_equal(policy->spec, "DEFAULT");
    assert_true(policy_has(policy, POLICY_MAC, "hmac-sha1"));
    must_check("MACs +hmac-sha1\nKexAlgorithms ^ecdh-sha2-nistp256\n");
}

static void a_named_policy_may_be_tightened(void **state)
{
    CLEANUP(policy_cleanup)
    struct policy *policy =
        policy_for("Policy SMALL\nCiphers -aes128-gcm@openssh.com\nRequiredRSASize 4096\n", &nobody_known);
    assert_false(policy_has(policy, POLICY_CIPHER, "aes128-gcm@openssh.com"));
    assert_true(policy_has(policy, POLICY_CIPHER, "aes256-gcm@openssh.com"));
    assert_int_equal(policy->rules.rsa_bits_min, 4096);
    must_check("Policy SMALL\nCiphers aes256-gcm@openssh.com\nCompression no\n");
}

static void a_named_policy_is_not_loosened(void **state)
{
    must_not_check("Policy SMALL\nCiphers +aes128-ctr\n", "test.conf line 2", "aes128-ctr");
    must_not_check("\nPolicy DEFAULT\nMACs +hmac-sha1\n", "test.conf line 3", "hmac-sha1");
    must_not_check("Policy SMALL\nCASignatureAlgorithms ssh-ed25519,sk-ssh-ed25519@openssh.com,"
                   "webauthn-sk-ecdsa-sha2-nistp256@openssh.com\n",
                   "test.conf line 2", "webauthn");
    must_check("Policy OPEN\nCiphers +aes128-ctr\n"); /* it allows that itself */
}

/* A smaller RequiredRSASize asks for less than the policy and changes nothing. */
static void a_number_of_the_configuration_never_weakens_the_rule(void **state)
{
    CLEANUP(policy_cleanup)
    struct policy *policy = policy_for("Policy SMALL\nRequiredRSASize 2048\n", &nobody_known);
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    must_check("Policy SMALL\nRequiredRSASize 2048\n");
}

static void compression_no_takes_it_out_of_the_list(void **state)
{
    CLEANUP(policy_cleanup) struct policy *with = policy_for("", &nobody_known);
    CLEANUP(policy_cleanup) struct policy *without = policy_for("Compression no\n", &nobody_known);
    assert_true(policy_has(with, POLICY_COMPRESSION, "zlib@openssh.com"));
    assert_false(policy_has(without, POLICY_COMPRESSION, "zlib@openssh.com"));
    assert_true(policy_has(without, POLICY_COMPRESSION, "none"));
}

static void a_match_chooses_by_addresses(void **state)
{
    static const char text[] = "Policy SMALL\n"
                               "Match Address 192.0.2.0/24\nPolicy SMALLER\n"
                               "Match LocalPort 2222\nPolicy SMALLER\n";
    const struct config_who inside = {.address = "192.0.2.7"};
    CLEANUP(policy_cleanup) struct policy *everybody = policy_for(text, &nobody_known);
    CLEANUP(policy_cleanup) struct policy *one = policy_for(text, &inside);
    assert_string_equal(everybody->spec, "SMALL");
    assert_string_equal(one->spec, "SMALLER");
    assert_false(policy_has(one, POLICY_CIPHER, "aes128-gcm@openssh.com"));
}

static void a_match_tightens_what_is_everybodys(void **state)
{
    must_check("Policy SMALL\nMatch Address 192.0.2.0/24\nPolicy SMALLER\n");
    must_not_check("Policy SMALLER\nMatch Address 192.0.2.0/24\nPolicy SMALL\n", "test.conf line 3",
                   "aes128-gcm");
    must_not_check("Policy SMALLER\nMatch all\nPolicy SMALL\n", "test.conf line 3", "aes128-gcm");
    must_check("Policy SMALL\nMatch all\nPolicy SMALLER\n");
    must_check("Policy OPEN\nMatch Address 192.0.2.0/24\nPolicy DEFAULT\n");
    must_check("Match Address 192.0.2.0/24\nPolicy SMALL\n"); /* nothing is everybody's yet */
}

static void lists_in_a_match_tighten_the_policy_there(void **state)
{
    must_check("Policy SMALL\nMatch User a\nPubkeyAcceptedAlgorithms ssh-ed25519\n");
    must_not_check("Policy SMALLER\nMatch User a\nCASignatureAlgorithms "
                   "+webauthn-sk-ecdsa-sha2-nistp256@openssh.com\n",
                   "test.conf line 3", "webauthn");
    must_not_check("Match User a\nPubkeyAcceptedAlgorithms +ssh-rot13\n", "test.conf line 2", "ssh-rot13");
    must_check("Match User a\nCASignatureAlgorithms +webauthn-sk-ecdsa-sha2-nistp256@openssh.com\n");
}

static void a_policy_is_not_for_users(void **state)
{
    must_refuse("Match User a\nPolicy SMALL\n", "test.conf line 2: Policy", "LocalPort");
    must_refuse("Match Address 192.0.2.1 Group g\nPolicy SMALL\n", "test.conf line 2: Policy", "LocalPort");
    must_refuse("Policy ../x\n", "test.conf line 1: Policy", "absolute path");
    must_refuse("Policy A::B\n", "test.conf line 1: Policy", "absolute path");
    config_free(must_evaluate("Match Address 192.0.2.1 LocalPort 22\nPolicy SMALL\n", &nobody_known));
    config_free(must_evaluate("Match Listener front\nPolicy SMALL\n", &nobody_known));
    config_free(must_evaluate("Match all\nPolicy SMALL\n", &nobody_known));
}

static void what_cannot_be_loaded_is_an_error_wherever_it_stands(void **state)
{
    must_not_check("Policy NOWHERE\n", "NOWHERE", "");
    must_not_check("Match LocalPort 1\nPolicy NOWHERE\n", "test.conf line 2", "NOWHERE");
    must_not_check("Policy ENDED\n", "ENDED", "2026");
    must_not_check("PolicyMode report NOWHERE\n", "test.conf line 1", "NOWHERE");
    must_check("PolicyMode report SMALL\n");
    must_refuse("PolicyMode report\n", "test.conf line 1: PolicyMode", "report");
    must_refuse("PolicyMode silent\n", "test.conf line 1: PolicyMode", "enforce");
}

/* One that was loaded in time stays in force: who asks later does not say when. */
static void an_expired_policy_serves_on(void **state)
{
    struct config_source *source = site("Policy ENDED\n");
    struct config *config = NULL;
    struct policy *policy = NULL;
    struct config_error error;
    assert_int_equal(config_evaluate(source, &nobody_known, &config, &error), 0);
    assert_int_equal(config_policy(source, config, 0, &policy, &error), 0);
    policy_free(policy);
    assert_int_equal(config_policy(source, config, NOW, &policy, &error), CONFIG_E_INVALID);
    config_free(config);
    config_source_free(source);
}

static void names_every_policy_once(void **state)
{
    struct config_source *source =
        site("Policy SMALL\nMatch LocalPort 1\nPolicy SMALLER\nMatch LocalPort 2\nPolicy SMALL\n"
             "Match LocalPort 3\nPolicy SMALLER\n");
    struct config *config = NULL;
    struct config_policies policies;
    struct config_error error;
    assert_int_equal(config_evaluate(source, &nobody_known, &config, &error), 0);
    assert_int_equal(config_policies_find(source, config, &policies, &error), 0);
    assert_int_equal(policies.count, 2);
    assert_string_equal(policies.specs[0], "SMALL");
    assert_string_equal(policies.specs[1], "SMALLER");
    config_policies_free(&policies);
    config_free(config);
    config_source_free(source);
}

static void there_are_at_most_sixteen(void **state)
{
    char text[4096] = "Policy DEFAULT\n";
    for (unsigned i = 0; i < CONFIG_POLICIES_MAX; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "Match LocalPort %u\nPolicy DEFAULT:P%u\n", i + 1, i);
    }
    must_not_check(text, "test.conf line 33", "16");
}

static void lines_are_remembered(void **state)
{
    struct config *config = must_evaluate(
        "\nCiphers aes128-ctr\nHostKey pkcs11:a\nHostKey pkcs11:b\nCiphers aes256-ctr\n", &nobody_known);
    assert_int_equal(config_line(config, "Ciphers")->line, 2);
    assert_string_equal(config_line(config, "ciphers")->file, "test.conf");
    assert_int_equal(config_line(config, "HostKey")->line, 3);
    assert_null(config_line(config, "MACs"));
    assert_null(config_line(config, "Nonsense"));
    config_free(config);
}

/* ---- the snapshot ------------------------------------------------------------------------------------------------ */

static void the_snapshot_carries_policies_and_certificates(void **state)
{
    struct config_source *source = site("Policy SMALLER\n"), *copy = NULL;
    struct config *config = NULL;
    struct config_error error = {{0}};
    struct sp_span contents;
    uint8_t *data = NULL;
    size_t size;
    assert_int_equal(source_add_certificate(source, "/c/host-cert.pub", sp_text("ssh-x AAAA\n")), 0);
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    assert_int_equal(config_source_unpack(sp_span_of(data, size), &copy, &error), 0);
    assert_true(config_certificate(copy, "/c/host-cert.pub", &contents));
    assert_true(sp_span_is(contents, "ssh-x AAAA\n"));
    assert_false(config_certificate(copy, "/c/other", &contents));
    assert_int_equal(config_evaluate(copy, &nobody_known, &config, &error), 0);
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    assert_int_equal(config_policy(copy, config, NOW, &policy, &error), 0);
    assert_string_equal(policy->spec, "SMALLER");
    /* whatever is cut off, nothing is taken for whole but what was packed without its last file */
    for (size_t cut = 0; cut < size; cut++) {
        struct config_source *part = NULL;
        if (config_source_unpack(sp_span_of(data, cut), &part, &error) == 0)
            assert_false(config_certificate(part, "/c/host-cert.pub", &contents));
        config_source_free(part);
    }
    config_free(config);
    config_source_free(copy);
    config_source_free(source);
    free(data);
}

static void files_are_read_where_the_configuration_is(void **state)
{
    char directory[] = "/tmp/policies-XXXXXX", path[128], text[512];
    struct config_source *source = NULL;
    struct config_error error = {{0}};
    struct sp_span contents;
    assert_non_null(mkdtemp(directory));
    const struct {
        const char *name, *text;
    } files[] = {{"SITE.policy", "Inherit DEFAULT\nCiphers aes256-ctr\n"},
                 {"host-cert.pub", "certificate\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i].name);
        FILE *file = fopen(path, "w");
        fputs(files[i].text, file);
        fclose(file);
    }
    snprintf(path, sizeof path, "%s/test.conf", directory);
    snprintf(text, sizeof text, "PolicyDirectory %s\nMatch LocalPort 2\nPolicy SITE\n", directory);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    assert_int_equal(config_source_read(path, &source, &error), 0);
    assert_int_equal(config_policies_check(source, NOW, &error), 0);
    config_source_free(source);
    source = NULL;
    file = fopen(path, "w");
    fprintf(file, "HostCertificate %s/host-cert.pub\n", directory);
    fclose(file);
    assert_int_equal(config_source_read(path, &source, &error), 0);
    snprintf(text, sizeof text, "%s/host-cert.pub", directory);
    assert_true(config_certificate(source, text, &contents));
    assert_true(sp_span_is(contents, "certificate\n"));
    config_source_free(source);
    source = NULL;
    file = fopen(path, "w");
    fprintf(file, "\nHostCertificate %s/none.pub\n", directory);
    fclose(file);
    assert_int_equal(config_source_read(path, &source, &error), CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, "test.conf line 2: HostCertificate"));
    file = fopen(path, "w");
    fprintf(file, "\n\nPolicy NOWHERE\n");
    fclose(file);
    assert_int_equal(config_source_read(path, &source, &error), CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, "test.conf line 3: "));
    static const char *const names[] = {"SITE.policy", "host-cert.pub", "test.conf"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_policy_the_lists_modify_default_freely),
        cmocka_unit_test(a_named_policy_may_be_tightened),
        cmocka_unit_test(a_named_policy_is_not_loosened),
        cmocka_unit_test(a_number_of_the_configuration_never_weakens_the_rule),
        cmocka_unit_test(compression_no_takes_it_out_of_the_list),
        cmocka_unit_test(a_match_chooses_by_addresses),
        cmocka_unit_test(a_match_tightens_what_is_everybodys),
        cmocka_unit_test(lists_in_a_match_tighten_the_policy_there),
        cmocka_unit_test(a_policy_is_not_for_users),
        cmocka_unit_test(what_cannot_be_loaded_is_an_error_wherever_it_stands),
        cmocka_unit_test(an_expired_policy_serves_on),
        cmocka_unit_test(names_every_policy_once),
        cmocka_unit_test(there_are_at_most_sixteen),
        cmocka_unit_test(lines_are_remembered),
        cmocka_unit_test(the_snapshot_carries_policies_and_certificates),
        cmocka_unit_test(files_are_read_where_the_configuration_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
