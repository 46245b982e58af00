/* What is enforced: a policy on a build at a time, and its one text. */
#include "support.h"

static void refuses_on(const char *lines, const struct policy_build *build, const char *words)
{
    struct policy *policy = load_lines(lines);
    struct policy_effective effective, untouched;
    struct policy_error error = {{0}};
    memset(&effective, 0x5a, sizeof effective);
    untouched = effective;
    assert_int_equal(policy_resolve(policy, build, 0, &effective, &error), POLICY_E_INVALID);
    assert_memory_equal(&effective, &untouched, sizeof effective);
    if (!strstr(error.text, words))
        print_error("%s\n", error.text);
    assert_non_null(strstr(error.text, words));
    policy_free(policy);
}

static void resolves_to(const char *lines, const struct policy_build *build, enum policy_kind kind,
                        const char *expected)
{
    struct policy *policy = load_lines(lines);
    struct policy_effective effective;
    must_resolve(policy, build, 0, &effective);
    assert_string_equal(effective.lists[kind], expected);
    policy_free(policy);
}

static void lists_are_in_the_policy_s_order_and_cut_to_the_machine(void **state)
{
    struct policy_build build = whole_build();
    resolves_to("Ciphers aes256-ctr,aes128-ctr\n", &build, POLICY_CIPHER, "aes256-ctr,aes128-ctr");
    build.available[POLICY_CIPHER] = "aes128-ctr,aes192-ctr";
    resolves_to("", &build, POLICY_CIPHER, "aes128-ctr,aes192-ctr");
    build = whole_build();
    build.known[POLICY_CIPHER] = "aes256-ctr";
    resolves_to("", &build, POLICY_CIPHER, "aes256-ctr");
}

static void lists_that_nobody_cares_for_are_empty(void **state)
{
    struct policy_build build = whole_build();
    build.known[POLICY_CIPHER] = build.available[POLICY_CIPHER] = NULL;
    resolves_to("Ciphers -*\n", &build, POLICY_CIPHER, "");
}

static void an_empty_list_names_both_sides(void **state)
{
    struct policy_build build = whole_build();
    build.available[POLICY_CIPHER] = "aes128-gcm@openssh.com";
    refuses_on("", &build,
               "Ciphers: nothing is left of policy S (S.policy line 3): it allows "
               "aes128-ctr,aes192-ctr,aes256-ctr; this "
               "machine has aes128-gcm@openssh.com");
    build = whole_build();
    build.available[POLICY_HOST_KEY] = "";
    refuses_on("", &build, "the host keys can sign with none");
    build = whole_build();
    refuses_on("Ciphers -*\n", &build, "remove every algorithm, the last of them in S.policy line 8");
    refuses_on("Ciphers -*\nCiphers +aes128-ctr NotAfter 2099-01-01\n", &build, "for everybody");
}

static void a_list_that_no_file_sets_is_an_error(void **state)
{
    struct policy *policy = must_load(files_of("S.policy", "Ciphers aes128-ctr\n", NULL), "S");
    struct policy_build build = whole_build();
    struct policy_effective effective;
    struct policy_error error = {{0}};
    assert_int_equal(policy_resolve(policy, &build, 0, &effective, &error), POLICY_E_INVALID);
    assert_non_null(strstr(error.text, "KexAlgorithms: policy S has no such list"));
    policy_free(policy);
}

/* Only a generated file can name so much, as it may name anything. */
static void a_list_that_no_room_is_for_is_an_error(void **state)
{
    char names[4096] = "", text[4200];
    for (unsigned i = 0; i < 40; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%scipher-%02u-%050u",
                 i == 0 ? "" : ",", i, i);
    snprintf(text, sizeof text, "Ciphers %s\n", names);
    struct policy *policy = must_load(files_of("/generated", text, NULL), "/generated");
    struct policy_build build = {0};
    struct policy_effective effective;
    struct policy_error error = {{0}};
    build.known[POLICY_CIPHER] = build.available[POLICY_CIPHER] = names;
    assert_int_equal(policy_resolve(policy, &build, 0, &effective, &error), POLICY_E_INVALID);
    assert_non_null(strstr(error.text, "longer than 2047 octets"));
    policy_free(policy);
}

static void post_quantum_takes_every_other_exchange_out(void **state)
{
    struct policy_build build = whole_build();
    resolves_to("KexAlgorithms ^mlkem768x25519-sha256\nRequirePostQuantum yes\n", &build, POLICY_KEX,
                "mlkem768x25519-sha256");
    refuses_on("RequirePostQuantum yes\n", &build,
               "and RequirePostQuantum (S.policy line 8) leaves none of it");
    struct policy *policy = load_lines("KexAlgorithms ^mlkem768x25519-sha256\nRequirePostQuantum yes\n"
                                       "KexAlgorithms +ecdh-sha2-nistp384 NotAfter 2099-01-01\n");
    struct policy_effective effective;
    must_resolve(policy, &build, 0, &effective);
    assert_int_equal(effective.exception_count, 0);
    policy_free(policy);
}

static void host_certificates_take_plain_host_keys_out(void **state)
{
    struct policy_build build = whole_build();
    resolves_to("RequireHostCertificates yes\n", &build, POLICY_HOST_KEY, "ssh-ed25519-cert-v01@openssh.com");
    resolves_to("RequireHostCertificates yes\n", &build, POLICY_USER_KEY,
                "ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
    build.available[POLICY_HOST_KEY] = "ssh-ed25519";
    refuses_on("RequireHostCertificates yes\n", &build, "RequireHostCertificates (S.policy line 8)");
}

static void an_approved_provider_is_asked_for(void **state)
{
    struct policy_build build = whole_build();
    resolves_to("RequireFIPSProvider yes\n", &build, POLICY_MAC, "hmac-sha2-256,hmac-sha2-512");
    build.fips_provider = false;
    refuses_on("RequireFIPSProvider yes\n", &build, "S.policy line 8: RequireFIPSProvider");
}

static void rules_about_sizes_change_no_list(void **state)
{
    struct policy_build build = whole_build();
    resolves_to("AllowedRSASizes 4096\nRequiredRSASize 4096\nRequiredDHSize 8192\nRequiredECSize 521\n",
                &build, POLICY_KEX, "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256");
}

static size_t exceptions_at(const struct policy *policy, int64_t now)
{
    struct policy_build build = whole_build();
    struct policy_effective effective;
    must_resolve(policy, &build, now, &effective);
    return effective.exception_count;
}

static void exceptions_end_after_their_last_second(void **state)
{
    struct policy *policy =
        load_lines("Ciphers +aes256-gcm@openssh.com NotAfter 2027-06-30T12:00:00Z Address 192.0.2.1\n");
    const int64_t end = 1814356800;
    assert_int_equal(exceptions_at(policy, 0), 1);
    assert_int_equal(exceptions_at(policy, end - 1), 1);
    assert_int_equal(exceptions_at(policy, end), 1);
    assert_int_equal(exceptions_at(policy, end + 1), 0);
    struct policy_effective effective;
    struct policy_build build = whole_build();
    must_resolve(policy, &build, end, &effective);
    assert_int_equal(effective.exceptions[0].kind, POLICY_CIPHER);
    assert_string_equal(effective.exceptions[0].name, "aes256-gcm@openssh.com");
    assert_string_equal(effective.exceptions[0].addresses, "192.0.2.1");
    assert_string_equal(effective.exceptions[0].origin, "S.policy line 8");
    assert_int_equal(effective.exceptions[0].not_after, end);
    assert_null(strstr(effective.lists[POLICY_CIPHER], "gcm"));
    build.available[POLICY_CIPHER] = "aes128-ctr";
    must_resolve(policy, &build, end, &effective);
    assert_int_equal(effective.exception_count, 0);
    policy_free(policy);
}

static char *text_of(const char *name, const char *lines, const struct policy_build *build)
{
    char text[4096], path[64];
    struct policy_effective effective;
    char *made = NULL;
    snprintf(text, sizeof text, "%s%s", BASE, lines);
    snprintf(path, sizeof path, "/%s.policy", name);
    struct policy *policy = must_load(files_of(path, text, NULL), name);
    must_resolve(policy, build, 0, &effective);
    assert_int_equal(policy_effective_text(&effective, &made), 0);
    policy_free(policy);
    return made;
}

static void compare_texts(const char *one_lines, const char *other_lines, bool is_equal)
{
    struct policy_build build = whole_build();
    char *one = text_of("ONE", one_lines, &build), *other = text_of("OTHER", other_lines, &build);
    if ((strcmp(one, other) == 0) != is_equal)
        print_error("%s\n%s\n", one, other);
    assert_int_equal(strcmp(one, other) == 0, is_equal);
    free(one);
    free(other);
}

static void equal_policies_have_equal_texts(void **state)
{
    compare_texts("", "# a comment\nDescription x\nSerial 4\n", true);
    compare_texts("Ciphers -aes192-ctr\n", "Ciphers aes128-ctr,aes256-ctr,aes128-gcm\n", true);
    compare_texts("AllowedRSASizes 3072,4096\n", "AllowedRSASizes 4096,3072\n", true);
    compare_texts("AllowedAuthenticationMethods password,publickey\n",
                  "AllowedAuthenticationMethods publickey,password\n", true);
    compare_texts("RekeyLimit 1G 1h\n", "RekeyLimit 1024M 60m\n", true);
    compare_texts("RequireStrictKex no\n", "", true);
    compare_texts("Ciphers +aes128-gcm@openssh.com Address 192.0.2.1\nMACs +hmac-sha2-512-etm@openssh.com "
                  "NotAfter 2027-01-01\n",
                  "MACs +hmac-sha2-512-etm@openssh.com NotAfter 20270101235959Z\nCiphers "
                  "+aes128-gcm@openssh.com Address 192.0.2.1\n",
                  true);
}

static void different_policies_have_different_texts(void **state)
{
    static const char *const lines[] = {
        "",
        "Ciphers -aes192-ctr\n",
        "Ciphers ^aes256-ctr\n",
        "RequiredRSASize 3072\n",
        "AllowedRSASizes 3072\n",
        "RequiredECSize 384\n",
        "RequiredDHSize 3072\n",
        "RekeyLimit 1G\n",
        "RekeyLimit 1G 1h\n",
        "RekeyLimit default 1h\n",
        "RequireStrictKex yes\n",
        "RequireHostCertificates yes\n",
        "RequireConstantCipher yes\n",
        "RequireFIPSProvider yes\n",
        "AllowedAuthenticationMethods publickey\n",
        "AllowedAuthenticationMethods password\n",
        "Ciphers +aes128-gcm@openssh.com\n",
        "Ciphers +aes128-gcm@openssh.com NotAfter 2027-01-01\n",
        "Ciphers +aes128-gcm@openssh.com NotAfter 2027-01-02\n",
        "Ciphers +aes128-gcm@openssh.com Address 192.0.2.1\n",
        "Ciphers +aes128-gcm@openssh.com Address 192.0.2.1 NotAfter 2027-01-01\n",
        "Ciphers +aes256-gcm@openssh.com Address 192.0.2.1\n",
        "KexAlgorithms mlkem768x25519-sha256\n",
        "KexAlgorithms mlkem768x25519-sha256\nRequirePostQuantum yes\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        for (size_t j = 0; j < i; j++)
            compare_texts(lines[i], lines[j], false);
}

static void the_text_has_a_form_that_stays(void **state)
{
    struct policy_build build = whole_build();
    char *text = text_of("S",
                         "RequiredRSASize 3072\nRekeyLimit 1M\n"
                         "Ciphers +aes128-gcm@openssh.com NotAfter 2027-01-01 Address 192.0.2.0/24\n",
                         &build);
    assert_string_equal(
        text, "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256\n"
              "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512\n"
              "Ciphers aes128-ctr,aes192-ctr,aes256-ctr\n"
              "MACs hmac-sha2-256,hmac-sha2-512\n"
              "CompressionAlgorithms none\n"
              "PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256\n"
              "CASignatureAlgorithms ssh-ed25519\n"
              "exception Ciphers aes128-gcm@openssh.com NotAfter 2027-01-01T23:59:59Z Address 192.0.2.0/24\n"
              "RequiredRSASize 3072\n"
              "RekeyLimit 1048576 none\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_in_the_policy_s_order_and_cut_to_the_machine),
        cmocka_unit_test(lists_that_nobody_cares_for_are_empty),
        cmocka_unit_test(an_empty_list_names_both_sides),
        cmocka_unit_test(a_list_that_no_file_sets_is_an_error),
        cmocka_unit_test(a_list_that_no_room_is_for_is_an_error),
        cmocka_unit_test(post_quantum_takes_every_other_exchange_out),
        cmocka_unit_test(host_certificates_take_plain_host_keys_out),
        cmocka_unit_test(an_approved_provider_is_asked_for),
        cmocka_unit_test(rules_about_sizes_change_no_list),
        cmocka_unit_test(exceptions_end_after_their_last_second),
        cmocka_unit_test(equal_policies_have_equal_texts),
        cmocka_unit_test(different_policies_have_different_texts),
        cmocka_unit_test(the_text_has_a_form_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
