/* Rules: values, what is stricter, and the keys that they refuse. */
#include "support.h"

#include "policy/rules.h"

static void every_rule_refuses_what_it_does_not_know(void **state)
{
    static const char *const bad[] = {
        "RequiredRSASize 2047",
        "RequiredRSASize 16385",
        "RequiredRSASize",
        "RequiredRSASize many",
        "RequiredRSASize 3072 4096",
        "RequiredRSASize -1",
        "AllowedRSASizes 1024",
        "AllowedRSASizes 2048,",
        "AllowedRSASizes ,2048",
        "AllowedRSASizes 2048,2049,2050,2051,2052,2053,2054,2055,2056",
        "AllowedRSASizes x",
        "AllowedRSASizes \"\"",
        "RequiredECSize 255",
        "RequiredECSize 522",
        "RequiredDHSize 2047",
        "RequiredDHSize 8193",
        "RekeyLimit 1023",
        "RekeyLimit 1T",
        "RekeyLimit K",
        "RekeyLimit 0",
        "RekeyLimit 1G 0",
        "RekeyLimit 1G 2y",
        "RekeyLimit 1G 366d",
        "RekeyLimit 1G 1h 1h",
        "RekeyLimit 2000000000000G",
        "RequirePostQuantum",
        "RequirePostQuantum 1",
        "RequireStrictKex true",
        "RequireHostCertificates \"\"",
        "RequireConstantCipher yes no",
        "RequireFIPSProvider on",
        "AllowedAuthenticationMethods",
        "AllowedAuthenticationMethods hostbased",
        "AllowedAuthenticationMethods publickey,",
        "AllowedAuthenticationMethods none",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        refuse_lines(bad[i], "S.policy line 8: ", "expected");
}

static void values_are_read(void **state)
{
    struct policy *policy = load_lines(
        "AllowedRSASizes 4096,3072,4096\nRequiredECSize 384\nRequiredDHSize 3072\nRekeyLimit 1G 1h30m\n"
        "RequireHostCertificates yes\nRequireConstantCipher yes\nAllowedAuthenticationMethods "
        "password,publickey\n");
    const struct policy_rules *rules = &policy->rules;
    assert_int_equal(rules->rsa_bits_count, 2);
    assert_int_equal(rules->rsa_bits[0], 3072);
    assert_int_equal(rules->rsa_bits[1], 4096);
    assert_int_equal(rules->ec_bits_min, 384);
    assert_int_equal(rules->dh_bits_min, 3072);
    assert_int_equal(rules->rekey_octets, 1073741824);
    assert_int_equal(rules->rekey_s, 5400);
    assert_true(rules->host_certificates && rules->constant_cipher && !rules->strict_kex);
    assert_string_equal(rules->auth_methods, "publickey,password");
    assert_int_equal(rules->origins[POLICY_REKEY_LIMIT].line, 11);
    policy_free(policy);
}

static void a_rule_can_be_taken_back_by_a_later_line(void **state)
{
    struct policy *policy =
        load_lines("AllowedRSASizes 3072\nAllowedRSASizes any\nRekeyLimit 1M 1h\nRekeyLimit default none\n"
                   "AllowedAuthenticationMethods password\nAllowedAuthenticationMethods any\n"
                   "RequirePostQuantum yes\nRequirePostQuantum no\n");
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++)
        assert_false(rule_is_set(rule, &policy->rules));
    policy_free(policy);
}

/* Values of one rule from the loosest to the strictest. */
static const char *const ladders[][4] = {
    {"RequiredRSASize 2048", "RequiredRSASize 2049", "RequiredRSASize 16384", NULL},
    {"AllowedRSASizes any", "AllowedRSASizes 3072,4096,8192", "AllowedRSASizes 4096,8192",
     "AllowedRSASizes 4096"},
    {"RequiredECSize 256", "RequiredECSize 384", "RequiredECSize 521", NULL},
    {"RequiredDHSize 2048", "RequiredDHSize 3072", "RequiredDHSize 8192", NULL},
    {"RekeyLimit default", "RekeyLimit 1G", "RekeyLimit 512M", "RekeyLimit 512M 1h"},
    {"RekeyLimit default none", "RekeyLimit default 2h", "RekeyLimit default 1h", "RekeyLimit 1K 1h"},
    {"RequirePostQuantum no", "RequirePostQuantum yes", NULL, NULL},
    {"RequireStrictKex no", "RequireStrictKex yes", NULL, NULL},
    {"RequireHostCertificates no", "RequireHostCertificates yes", NULL, NULL},
    {"RequireConstantCipher no", "RequireConstantCipher yes", NULL, NULL},
    {"RequireFIPSProvider no", "RequireFIPSProvider yes", NULL, NULL},
    {"AllowedAuthenticationMethods any",
     "AllowedAuthenticationMethods publickey,password,keyboard-interactive",
     "AllowedAuthenticationMethods publickey,password", "AllowedAuthenticationMethods publickey"},
};

static void compare_lines(const char *outer_line, const char *inner_line, bool is_looser)
{
    struct policy *outer = load_lines(outer_line), *inner = load_lines(inner_line);
    struct policy_error error = {{0}};
    int result = policy_compare(outer, inner, &error);
    if (result != (is_looser ? POLICY_E_INVALID : 0))
        print_error("%s / %s: %d %s\n", outer_line, inner_line, result, error.text);
    assert_int_equal(result, is_looser ? POLICY_E_INVALID : 0);
    if (is_looser)
        assert_non_null(strstr(error.text, "S.policy line 8"));
    policy_free(outer);
    policy_free(inner);
}

static void each_rule_knows_what_is_stricter(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ladders); i++)
        for (size_t high = 0; high < 4 && ladders[i][high]; high++)
            for (size_t low = 0; low <= high; low++) {
                compare_lines(ladders[i][low], ladders[i][high], false);
                if (low < high)
                    compare_lines(ladders[i][high], ladders[i][low], true);
            }
}

static void the_loosest_value_is_no_rule(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ladders); i++) {
        compare_lines(ladders[i][0], "", false);
        compare_lines("", ladders[i][0], false);
    }
}

static void what_is_printed_is_read_to_the_same_effect(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(ladders); i++)
        for (size_t j = 0; j < 4 && ladders[i][j]; j++) {
            struct policy *policy = load_lines(ladders[i][j]);
            for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++) {
                char value[160], line[256], again[160];
                rule_text(rule, &policy->rules, value, sizeof value);
                snprintf(line, sizeof line, "%s %s\n", policy_rule_keyword(rule), value);
                if (!rule_is_set(rule, &policy->rules))
                    continue;
                struct policy *printed = load_lines(line);
                rule_text(rule, &printed->rules, again, sizeof again);
                assert_string_equal(value, again);
                policy_free(printed);
            }
            policy_free(policy);
        }
}

static void checks(const char *lines, const char *type, unsigned bits, const char *words)
{
    struct policy *policy = load_lines(lines);
    struct policy_error error = {{0}};
    int result = policy_check_key(&policy->rules, type, bits, &error);
    assert_int_equal(result, words ? POLICY_E_INVALID : 0);
    if (words && !strstr(error.text, words))
        print_error("%s\n", error.text);
    assert_true(!words || strstr(error.text, words));
    policy_free(policy);
}

static void small_keys_are_refused_by_the_rule_s_line(void **state)
{
    checks("RequiredRSASize 3072\n", "ssh-rsa", 3071,
           "RequiredRSASize (S.policy line 8): an RSA key of 3071 bits, at least 3072");
    checks("RequiredRSASize 3072\n", "ssh-rsa", 3072, NULL);
    checks("RequiredRSASize 3072\n", "ssh-rsa-cert-v01@openssh.com", 2048, "RequiredRSASize");
    checks("AllowedRSASizes 3072,4096\n", "ssh-rsa", 3584,
           "AllowedRSASizes (S.policy line 8): an RSA key of 3584 bits, expected one of 3072,4096");
    checks("AllowedRSASizes 3072,4096\n", "ssh-rsa", 4096, NULL);
    checks("RequiredECSize 384\n", "ecdsa-sha2-nistp256", 256, "RequiredECSize (S.policy line 8)");
    checks("RequiredECSize 384\n", "sk-ecdsa-sha2-nistp256@openssh.com", 256, "RequiredECSize");
    checks("RequiredECSize 384\n", "ssh-ed25519", 256, "RequiredECSize");
    checks("RequiredECSize 384\n", "sk-ssh-ed25519-cert-v01@openssh.com", 256, "RequiredECSize");
    checks("RequiredECSize 384\n", "ecdsa-sha2-nistp384", 384, NULL);
}

static void rules_are_about_their_own_keys(void **state)
{
    checks("RequiredRSASize 3072\nAllowedRSASizes 4096\n", "ecdsa-sha2-nistp256", 256, NULL);
    checks("RequiredECSize 384\n", "ssh-rsa", 2048, NULL);
}

static void no_policy_takes_an_rsa_key_below_the_floor(void **state)
{
    checks("", "ssh-rsa", 2047, "at least 2048 in any policy");
    checks("", "ssh-rsa", 2048, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_refuses_what_it_does_not_know),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(a_rule_can_be_taken_back_by_a_later_line),
        cmocka_unit_test(each_rule_knows_what_is_stricter),
        cmocka_unit_test(the_loosest_value_is_no_rule),
        cmocka_unit_test(what_is_printed_is_read_to_the_same_effect),
        cmocka_unit_test(small_keys_are_refused_by_the_rule_s_line),
        cmocka_unit_test(rules_are_about_their_own_keys),
        cmocka_unit_test(no_policy_takes_an_rsa_key_below_the_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
