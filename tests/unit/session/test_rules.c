/* session/rules.c: the rules of a login, from its configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <sallyport/wire.h>

#include "config/config.h"
#include "session/rules.h"

static struct login_rules rules;
static char why[512];

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
    int r = login_rules_fill(config, &rules, why, sizeof why);
    config_free(config);
    config_source_free(source);
    return r;
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

static void a_list_that_cannot_be_resolved_accepts_no_key(void **state)
{
    assert_int_equal(fill("CASignatureAlgorithms ssh-rsa"), LOGIN_RULES_E_INVALID);
    assert_non_null(strstr(why, "CASignatureAlgorithms"));
    assert_string_equal(rules.user_key_algorithms, "");
    assert_int_equal(fill("PubkeyAcceptedAlgorithms ssh-rsa"), LOGIN_RULES_E_INVALID);
    assert_non_null(strstr(why, "PubkeyAcceptedAlgorithms"));
    assert_string_equal(rules.user_key_algorithms, "");
}

static void methods_are_free_unless_a_rule_names_them(void **state)
{
    struct login_rules none = {0}, some = {.auth_methods = "publickey,keyboard-interactive"};
    assert_true(login_rules_allow_method(&none, "password"));
    assert_true(login_rules_allow_method(&some, "publickey"));
    assert_false(login_rules_allow_method(&some, "password"));
    assert_false(login_rules_allow_method(&some, "public"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_accept_certificates_and_authenticators),
        cmocka_unit_test(the_configurations_lists_and_numbers_count),
        cmocka_unit_test(a_list_that_cannot_be_resolved_accepts_no_key),
        cmocka_unit_test(methods_are_free_unless_a_rule_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
