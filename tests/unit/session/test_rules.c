/* session/rules.c: the rules of a login, from its configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "config/config.h"
#include "session/rules.h"

static struct login_rules rules, reported;
static char why[512];

static int forget(void **state)
{
    login_rules_free(&rules);
    login_rules_free(&reported);
    return 0;
}

static int fill(const char *text)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error;
    const struct config_who who = {0};
    char lines[512];
    snprintf(lines, sizeof lines, "HostKey pkcs11:object=x\n%s\n", text);
    assert_int_equal(config_source_parse("test", sp_text(lines), &source, &error), 0);
    assert_int_equal(config_evaluate(source, &who, &config, &error), 0);
    why[0] = 0;
    const struct login_rules_for whom = {.address = "192.0.2.7", .now = 1800000000};
    login_rules_free(&rules);
    int r = login_rules_fill(source, config, &whom, &rules, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0 && !rules.known);
    config_free(config);
    config_source_free(source);
    return r;
}

/* A site's policy in a directory of its own, and a configuration that chooses it, by these lines. */
static int fill_by_lines(const char *policy, const char *lines, const char *address, int64_t now)
{
    char directory[] = "/tmp/test-rules-XXXXXX", path[64], text[256];
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    const struct config_who who = {.address = address};
    const struct login_rules_for whom = {.address = address, .now = now};
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/SITE.policy", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "Inherit DEFAULT\n%s\n", policy);
    fclose(file);
    snprintf(path, sizeof path, "%s/conf", directory);
    snprintf(text, sizeof text, "HostKey pkcs11:object=x\nPolicyDirectory %s\n%s\n", directory, lines);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    int r = config_source_read(path, &source, &error);
    if (r == 0)
        r = config_evaluate(source, &who, &config, &error);
    if (r)
        print_error("%s\n", error.text);
    assert_int_equal(r, 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/SITE.policy", directory);
    unlink(path);
    rmdir(directory);
    (void)forget(NULL);
    r = login_rules_fill(source, config, &whom, &rules, why, sizeof why);
    if (r == 0)
        r = login_rules_fill_reported(source, config, &whom, &reported, why, sizeof why);
    config_free(config);
    config_source_free(source);
    return r;
}

static int fill_by_policy(const char *policy, const char *address, int64_t now)
{
    return fill_by_lines(policy, "Policy SITE", address, now);
}

static bool has(const char *list, const char *name)
{
    return sp_list_has(sp_text(list), sp_text(name));
}

static void defaults_accept_certificates_and_authenticators(void **state)
{
    assert_int_equal(fill(""), 0);
    assert_true(has(rules.user_key_algorithms, "ssh-ed25519"));
    assert_true(has(rules.user_key_algorithms, "ssh-ed25519-cert-v01@openssh.com"));
    assert_true(has(rules.user_key_algorithms, "sk-ssh-ed25519@openssh.com"));
    assert_true(has(rules.ca_key_algorithms, "rsa-sha2-512"));
    assert_false(has(rules.ca_key_algorithms, "ssh-ed25519-cert-v01@openssh.com"));
    assert_false(rules.touch_required || rules.verify_required);
}

static void the_configurations_lists_and_numbers_count(void **state)
{
    assert_int_equal(
        fill(
            "PubkeyAcceptedAlgorithms ssh-ed25519\nCASignatureAlgorithms -ssh-ed25519\nRequiredRSASize 3072\n"
            "PubkeyAuthOptions Touch-Required verify-required"),
        0);
    assert_string_equal(rules.user_key_algorithms, "ssh-ed25519");
    assert_false(has(rules.ca_key_algorithms, "ssh-ed25519"));
    assert_int_equal(rules.rsa_bits_min, 3072);
    assert_true(rules.touch_required && rules.verify_required);
}

static void a_list_that_cannot_be_resolved_accepts_nothing(void **state)
{
    assert_int_equal(fill("CASignatureAlgorithms ssh-rsa"), LOGIN_RULES_E_INVALID);
    assert_non_null(strstr(why, "CASignatureAlgorithms"));
    assert_string_equal(rules.user_key_algorithms, "");
    assert_int_equal(fill("PubkeyAcceptedAlgorithms ssh-rsa"), LOGIN_RULES_E_INVALID);
    assert_non_null(strstr(why, "PubkeyAcceptedAlgorithms"));
    assert_string_equal(rules.user_key_algorithms, "");
    assert_false(login_rules_allow_method(&rules, "password"));
}

static void a_policys_numbers_and_methods_count(void **state)
{
    assert_int_equal(fill_by_policy("RequiredRSASize 3072\nAllowedRSASizes 3072,4096\nRequiredECSize 384\n"
                                    "AllowedAuthenticationMethods publickey\nCASignatureAlgorithms -rsa-*\n"
                                    "PubkeyAcceptedAlgorithms -*-cert-v01@openssh.com",
                                    "192.0.2.7", 1800000000),
                     0);
    assert_int_equal(rules.rsa_bits_min, 3072);
    assert_int_equal(rules.rsa_bits_count, 2);
    assert_int_equal(rules.rsa_bits[0], 3072);
    assert_int_equal(rules.rsa_bits[1], 4096);
    assert_int_equal(rules.ec_bits_min, 384);
    assert_false(has(rules.ca_key_algorithms, "rsa-sha2-512"));
    assert_true(has(rules.ca_key_algorithms, "ecdsa-sha2-nistp384"));
    assert_false(has(rules.user_key_algorithms, "ssh-ed25519-cert-v01@openssh.com"));
    assert_true(login_rules_allow_method(&rules, "publickey"));
    assert_false(login_rules_allow_method(&rules, "password"));
}

static void exceptions_are_for_their_addresses_and_their_time(void **state)
{
    static const char policy[] =
        "PubkeyAcceptedAlgorithms -rsa-sha2-256\n"
        "PubkeyAcceptedAlgorithms +rsa-sha2-256 NotAfter 2027-03-31 Address 192.0.2.0/24";
    const int64_t before = 1800000000, after = 1900000000;
    assert_int_equal(fill_by_policy(policy, "192.0.2.7", before), 0);
    assert_true(has(rules.user_key_algorithms, "rsa-sha2-256"));
    assert_string_equal(rules.user_key_exceptions, "rsa-sha2-256");
    assert_int_equal(fill_by_policy(policy, "198.51.100.7", before), 0);
    assert_false(has(rules.user_key_algorithms, "rsa-sha2-256"));
    assert_string_equal(rules.user_key_exceptions, "");
    assert_int_equal(fill_by_policy(policy, "192.0.2.7", after), 0);
    assert_false(has(rules.user_key_algorithms, "rsa-sha2-256"));
}

static void methods_are_free_unless_a_rule_names_them(void **state)
{
    struct login_rules none = {.known = true},
                       some = {.known = true, .auth_methods = "publickey,keyboard-interactive"};
    assert_true(login_rules_allow_method(&none, "password"));
    assert_true(login_rules_allow_method(&some, "publickey"));
    assert_false(login_rules_allow_method(&some, "password"));
    assert_false(login_rules_allow_method(&some, "public"));
    assert_false(login_rules_allow_method(&(struct login_rules){0}, "publickey"));
}

static const char *origin(const struct login_rules *of, const char *keyword, const char *algorithm)
{
    static char text[LOGIN_RULES_ORIGIN_MAX];
    return login_rules_origin(of, sp_text(keyword), sp_text(algorithm), text);
}

static bool has_text(const char *text, const char *part)
{
    if (strstr(text, part))
        return true;
    print_error("no \"%s\" in \"%s\"\n", part, text);
    return false;
}

/* The source of the configuration is gone by then, as in a login. */
static void a_rule_says_which_line_it_is(void **state)
{
    assert_int_equal(fill_by_policy("RequiredRSASize 3072\nAllowedRSASizes 3072,4096\nRequiredECSize 384\n"
                                    "AllowedAuthenticationMethods publickey",
                                    "192.0.2.7", 1800000000),
                     0);
    assert_true(has_text(origin(&rules, "RequiredRSASize", ""), "/SITE.policy line 2)"));
    assert_true(has_text(origin(&rules, "AllowedRSASizes", ""), "/SITE.policy line 3)"));
    assert_true(has_text(origin(&rules, "RequiredECSize", ""), "/SITE.policy line 4)"));
    assert_true(has_text(origin(&rules, LOGIN_RULES_METHODS, ""), "/SITE.policy line 5)"));
    assert_int_equal(strncmp(origin(&rules, "RequiredECSize", ""), " (/", 3), 0);
    assert_string_equal(login_rules_policy(&rules), "SITE");
}

static void an_algorithm_says_which_line_took_it_out(void **state)
{
    assert_int_equal(fill_by_policy("PubkeyAcceptedAlgorithms -ssh-ed25519\nCASignatureAlgorithms -rsa-*",
                                    "192.0.2.7", 1800000000),
                     0);
    const char *text = origin(&rules, LOGIN_RULES_USER_KEYS, "ssh-ed25519");
    assert_true(has_text(text, ": ssh-ed25519 is out: removed by") && has_text(text, "/SITE.policy line 2"));
    text = origin(&rules, "CASignatureAlgorithms", "rsa-sha2-512");
    assert_true(has_text(text, ": rsa-sha2-512 is out: removed by") && has_text(text, "/SITE.policy line 3"));
    assert_true(has_text(origin(&rules, LOGIN_RULES_USER_KEYS, "ssh-ed448"), "ssh-ed448 is out"));
    assert_true(has_text(origin(&rules, LOGIN_RULES_USER_KEYS, "nonsense"), "nonsense is unknown"));
}

static void an_exception_for_others_is_said_to_be_theirs(void **state)
{
    static const char policy[] =
        "PubkeyAcceptedAlgorithms -rsa-sha2-256\n"
        "PubkeyAcceptedAlgorithms +rsa-sha2-256 NotAfter 2027-03-31 Address 192.0.2.0/24";
    assert_int_equal(fill_by_policy(policy, "198.51.100.7", 1800000000), 0);
    assert_true(has_text(origin(&rules, LOGIN_RULES_USER_KEYS, "rsa-sha2-256"),
                         ": not for 198.51.100.7: rsa-sha2-256"));
    assert_int_equal(fill_by_policy(policy, "192.0.2.7", 1900000000), 0);
    assert_true(has_text(origin(&rules, LOGIN_RULES_USER_KEYS, "rsa-sha2-256"), "ended at"));
}

static void the_configurations_own_line_is_the_origin(void **state)
{
    assert_int_equal(fill("RequiredRSASize 3072"), 0);
    assert_string_equal(origin(&rules, "RequiredRSASize", ""), " (test line 2)");
}

static void no_keyword_of_a_policy_has_an_origin(void **state)
{
    assert_int_equal(fill(""), 0);
    assert_string_equal(origin(&rules, "", ""), "");
    assert_string_equal(origin(&rules, "Required", ""), "");
    assert_string_equal(origin(&rules, "RevokedKeys", ""), "");
    assert_string_equal(origin(&(struct login_rules){0}, "RequiredRSASize", ""), "");
}

static void the_reported_policy_is_another_one(void **state)
{
    assert_int_equal(fill_by_lines("PubkeyAcceptedAlgorithms -ssh-ed25519\nRequiredRSASize 3072",
                                   "PolicyMode report SITE\nPubkeyAcceptedAlgorithms -ssh-rsa", "192.0.2.7",
                                   1800000000),
                     0);
    assert_true(rules.known && reported.known);
    assert_true(has(rules.user_key_algorithms, "ssh-ed25519"));
    assert_false(has(reported.user_key_algorithms, "ssh-ed25519"));
    assert_int_equal(rules.rsa_bits_min, 2048);
    assert_int_equal(reported.rsa_bits_min, 3072);
    assert_string_equal(login_rules_policy(&rules), "DEFAULT");
    assert_string_equal(login_rules_policy(&reported), "SITE");
    assert_true(has_text(origin(&reported, "RequiredRSASize", ""), "/SITE.policy line 3)"));
}

static void without_a_reported_policy_nothing_is_known_of_it(void **state)
{
    assert_int_equal(fill_by_policy("", "192.0.2.7", 1800000000), 0);
    assert_true(rules.known);
    assert_false(reported.known);
    assert_string_equal(login_rules_policy(&reported), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_accept_certificates_and_authenticators),
        cmocka_unit_test(the_configurations_lists_and_numbers_count),
        cmocka_unit_test(a_list_that_cannot_be_resolved_accepts_nothing),
        cmocka_unit_test(a_policys_numbers_and_methods_count),
        cmocka_unit_test(exceptions_are_for_their_addresses_and_their_time),
        cmocka_unit_test(methods_are_free_unless_a_rule_names_them),
        cmocka_unit_test(a_rule_says_which_line_it_is),
        cmocka_unit_test(an_algorithm_says_which_line_took_it_out),
        cmocka_unit_test(an_exception_for_others_is_said_to_be_theirs),
        cmocka_unit_test(the_configurations_own_line_is_the_origin),
        cmocka_unit_test(no_keyword_of_a_policy_has_an_origin),
        cmocka_unit_test(the_reported_policy_is_another_one),
        cmocka_unit_test(without_a_reported_policy_nothing_is_known_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
