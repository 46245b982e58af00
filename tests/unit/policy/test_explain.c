/* Why a name is in or out. */
#include "support.h"

static void explains_on(const struct policy *policy, const struct policy_build *build, int64_t now,
                        enum policy_kind kind, const char *name, enum policy_reason reason,
                        const char *sentence)
{
    struct policy_verdict verdict;
    memset(&verdict, 0x5a, sizeof verdict);
    policy_explain(policy, build, now, kind, sp_text(name), &verdict);
    if (verdict.reason != reason || strcmp(verdict.text, sentence) != 0)
        print_error("%s: %s\n", policy_reason_word(verdict.reason), verdict.text);
    assert_int_equal(verdict.reason, reason);
    assert_string_equal(verdict.text, sentence);
}

static void explains(const char *lines, enum policy_kind kind, const char *name, enum policy_reason reason,
                     const char *sentence)
{
    struct policy *policy = load_lines(lines);
    struct policy_build build = whole_build();
    explains_on(policy, &build, 0, kind, name, reason, sentence);
    policy_free(policy);
}

static void what_is_in_names_its_line(void **state)
{
    explains("", POLICY_CIPHER, "aes256-ctr", POLICY_IN, "aes256-ctr is in: allowed by S.policy line 3");
    explains("Ciphers +aes256-gcm@openssh.com\n", POLICY_CIPHER, "aes256-gcm@openssh.com", POLICY_IN,
             "aes256-gcm@openssh.com is in: allowed by S.policy line 8");
}

static void exceptions_name_their_conditions(void **state)
{
    explains("Ciphers +aes256-gcm@openssh.com NotAfter 2027-06-30 Address 192.0.2.0/24\n", POLICY_CIPHER,
             "aes256-gcm@openssh.com", POLICY_IN_EXCEPTION,
             "aes256-gcm@openssh.com is in as an exception until 2027-06-30T23:59:59Z for 192.0.2.0/24: "
             "allowed by "
             "S.policy line 8");
}

static void an_expired_exception_says_when_it_ended(void **state)
{
    struct policy *policy = load_lines("Ciphers +aes256-gcm@openssh.com NotAfter 2027-06-30T12:00:00Z\n");
    struct policy_build build = whole_build();
    struct policy_verdict verdict;
    explains_on(
        policy, &build, 1814356801, POLICY_CIPHER, "aes256-gcm@openssh.com", POLICY_EXPIRED,
        "aes256-gcm@openssh.com is out: the exception in S.policy line 8 ended at 2027-06-30T12:00:00Z");
    policy_explain(policy, &build, 1814356800, POLICY_CIPHER, sp_text("aes256-gcm@openssh.com"), &verdict);
    assert_int_equal(verdict.reason, POLICY_IN_EXCEPTION);
    policy_free(policy);
}

static void what_was_removed_names_both_lines(void **state)
{
    struct policy *policy =
        must_load(files_of("/usr/share/DEFAULT.policy", BASE, "/etc/sallyport/policy.d/SITE.policy",
                           "# site\n\nInherit DEFAULT\nKexAlgorithms -diffie-hellman-group14*\n", NULL),
                  "SITE");
    struct policy_build build = whole_build();
    struct policy_verdict verdict;
    explains_on(
        policy, &build, 0, POLICY_KEX, "diffie-hellman-group14-sha256", POLICY_REMOVED,
        "diffie-hellman-group14-sha256 is out: removed by \"KexAlgorithms -diffie-hellman-group14*\" in "
        "/etc/sallyport/policy.d/SITE.policy line 4 (allowed before by /usr/share/DEFAULT.policy line 1)");
    policy_explain(policy, &build, 0, POLICY_KEX, sp_text("diffie-hellman-group14-sha256"), &verdict);
    assert_string_equal(verdict.origin.file, "/etc/sallyport/policy.d/SITE.policy");
    assert_int_equal(verdict.origin.line, 4);
    policy_free(policy);
}

static void a_list_that_replaces_removes_too(void **state)
{
    explains("Ciphers aes256-ctr\n", POLICY_CIPHER, "aes128-ctr", POLICY_REMOVED,
             "aes128-ctr is out: removed by \"Ciphers aes256-ctr\" in S.policy line 8 (allowed before by "
             "S.policy line 3)");
    explains("Ciphers -aes128-ctr\nCiphers +aes128-ctr\nCiphers -aes1*\n", POLICY_CIPHER, "aes128-ctr",
             POLICY_REMOVED,
             "aes128-ctr is out: removed by \"Ciphers -aes1*\" in S.policy line 10 (allowed before by "
             "S.policy line 9)");
}

static void what_nobody_listed_names_the_list(void **state)
{
    explains(
        "", POLICY_CIPHER, "aes256-gcm@openssh.com", POLICY_NEVER_NAMED,
        "aes256-gcm@openssh.com is out: no line of policy S lists it; Ciphers are set in S.policy line 3");
}

static void rules_name_themselves(void **state)
{
    explains("RequirePostQuantum yes\n", POLICY_KEX, "curve25519-sha256", POLICY_BY_RULE,
             "curve25519-sha256 is out: RequirePostQuantum in S.policy line 8 takes it out (allowed by "
             "S.policy line 1)");
    explains("RequireHostCertificates yes\n", POLICY_HOST_KEY, "ssh-ed25519", POLICY_BY_RULE,
             "ssh-ed25519 is out: RequireHostCertificates in S.policy line 8 takes it out (allowed by "
             "S.policy line 2)");
    explains("RequireHostCertificates yes\n", POLICY_USER_KEY, "ssh-ed25519", POLICY_IN,
             "ssh-ed25519 is in: allowed by S.policy line 6");
}

static void what_the_machine_lacks_says_so(void **state)
{
    struct policy *policy = load_lines("KexAlgorithms ^mlkem768x25519-sha256\nRequirePostQuantum yes\n");
    struct policy_build build = whole_build();
    build.available[POLICY_KEX] = "curve25519-sha256";
    build.available[POLICY_HOST_KEY] = "rsa-sha2-512";
    build.post_quantum = "";
    explains_on(
        policy, &build, 0, POLICY_KEX, "mlkem768x25519-sha256", POLICY_NOT_AVAILABLE,
        "mlkem768x25519-sha256 is out: allowed by S.policy line 8, but this machine's libraries lack it");
    explains_on(policy, &build, 0, POLICY_HOST_KEY, "ssh-ed25519", POLICY_NOT_AVAILABLE,
                "ssh-ed25519 is out: allowed by S.policy line 2, but no host key here can sign with it");
    policy_free(policy);
}

static void what_no_build_has_gives_the_reason(void **state)
{
    explains("", POLICY_USER_KEY, "ssh-rsa", POLICY_NOT_IN_BUILD,
             "ssh-rsa is out: this server does not have it, as SHA-1 signatures are broken: collisions can "
             "be made (and "
             "policy S does not list it)");
    explains("Ciphers +camellia256-ctr\n", POLICY_CIPHER, "camellia256-ctr", POLICY_NOT_IN_BUILD,
             "camellia256-ctr is out: this server does not have it, as no client in use needs it beside what "
             "there is "
             "(S.policy line 8 lists it)");
    struct policy *policy = load_lines("");
    struct policy_build build = whole_build();
    build.known[POLICY_CIPHER] = "aes256-ctr";
    explains_on(policy, &build, 0, POLICY_CIPHER, "aes128-ctr", POLICY_NOT_IN_BUILD,
                "aes128-ctr is out: this program was built without it (S.policy line 3 lists it)");
    policy_free(policy);
}

static void an_unknown_name_is_met_with_a_guess(void **state)
{
    explains("", POLICY_CIPHER, "aes256-crt", POLICY_UNKNOWN,
             "aes256-crt is unknown: nobody has Ciphers of that name, perhaps \"aes256-ctr\" is meant");
    explains("", POLICY_KEX, "zzz", POLICY_UNKNOWN, "zzz is unknown: nobody has KexAlgorithms of that name");
}

static void a_build_that_does_not_care_is_answered_by_the_registry(void **state)
{
    struct policy *policy = load_lines("");
    struct policy_build build = {0};
    explains_on(policy, &build, 0, POLICY_CIPHER, "aes128-ctr", POLICY_IN,
                "aes128-ctr is in: allowed by S.policy line 3");
    policy_free(policy);
}

/* Whatever is asked, resolving and explaining agree. */
static void a_name_is_in_exactly_if_it_is_resolved(void **state)
{
    static const char *const lines[] = {"", "RequireHostCertificates yes\n",
                                        "KexAlgorithms -ecdh*\nCiphers ^aes256-ctr\n",
                                        "KexAlgorithms ^mlkem768x25519-sha256\nRequirePostQuantum yes\n"};
    struct policy_build build = whole_build();
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct policy *policy = load_lines(lines[i]);
        struct policy_effective effective;
        must_resolve(policy, &build, 0, &effective);
        for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
            for (struct sp_span names = sp_text(build.known[kind]); names.size != 0;) {
                size_t size = strcspn((const char *)names.data, ",");
                struct sp_span name = sp_span_of(names.data, size);
                struct policy_verdict verdict;
                char text[128], list[POLICY_LIST_MAX + 2];
                snprintf(text, sizeof text, ",%.*s,", (int)size, (const char *)name.data);
                snprintf(list, sizeof list, ",%s,", effective.lists[kind]);
                policy_explain(policy, &build, 0, kind, name, &verdict);
                assert_int_equal(verdict.reason == POLICY_IN, strstr(list, text) != NULL);
                names = sp_text((const char *)names.data + size + (names.data[size] == ',' ? 1 : 0));
            }
        policy_free(policy);
    }
}

static void every_reason_has_a_word_of_its_own(void **state)
{
    for (enum policy_reason reason = POLICY_IN; reason <= POLICY_UNKNOWN; reason++)
        for (enum policy_reason other = POLICY_IN; other < reason; other++)
            assert_string_not_equal(policy_reason_word(reason), policy_reason_word(other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_names_its_line),
        cmocka_unit_test(exceptions_name_their_conditions),
        cmocka_unit_test(an_expired_exception_says_when_it_ended),
        cmocka_unit_test(what_was_removed_names_both_lines),
        cmocka_unit_test(a_list_that_replaces_removes_too),
        cmocka_unit_test(what_nobody_listed_names_the_list),
        cmocka_unit_test(rules_name_themselves),
        cmocka_unit_test(what_the_machine_lacks_says_so),
        cmocka_unit_test(what_no_build_has_gives_the_reason),
        cmocka_unit_test(an_unknown_name_is_met_with_a_guess),
        cmocka_unit_test(a_build_that_does_not_care_is_answered_by_the_registry),
        cmocka_unit_test(a_name_is_in_exactly_if_it_is_resolved),
        cmocka_unit_test(every_reason_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
