/* Files, Inherit, sub-policies, and what lines do to lists. */
#include "support.h"

static void lines_leave(const char *lines, const char *expected)
{
    struct policy *policy = load_lines(lines);
    char names[POLICY_LIST_MAX];
    assert_string_equal(list_names(policy, POLICY_CIPHER, names), expected);
    policy_free(policy);
}

static void prefixes_mean_what_they_mean_in_sshd_config(void **state)
{
    lines_leave("Ciphers aes256-ctr,aes128-ctr,aes256-ctr\n", "aes256-ctr,aes128-ctr");
    lines_leave("Ciphers +aes256-gcm@openssh.com,aes128-ctr\n",
                "aes128-ctr,aes192-ctr,aes256-ctr,aes256-gcm@openssh.com");
    lines_leave("Ciphers -aes1*\n", "aes256-ctr");
    lines_leave("Ciphers -aes192-ctr,aes128-gcm@openssh.com\n", "aes128-ctr,aes256-ctr");
    lines_leave("Ciphers ^aes256-ctr\n", "aes256-ctr,aes128-ctr,aes192-ctr");
    lines_leave("Ciphers ^aes256-gcm@openssh.com,aes256-ctr\n",
                "aes256-gcm@openssh.com,aes256-ctr,aes128-ctr,aes192-ctr");
}

static void lines_apply_in_order(void **state)
{
    lines_leave("Ciphers -*\nCiphers +aes192-ctr\nCiphers ^aes256-ctr\nCiphers -aes192*\n", "aes256-ctr");
    lines_leave("Ciphers +aes256-gcm@openssh.com\nCiphers -aes256-*\n", "aes128-ctr,aes192-ctr");
}

static void for_good_wins_over_exceptions(void **state)
{
#define GCM "aes256-gcm@openssh.com"
    lines_leave("Ciphers +aes128-ctr NotAfter 2027-01-01\n", "aes128-ctr,aes192-ctr,aes256-ctr");
    lines_leave("Ciphers +" GCM " NotAfter 2027-01-01\nCiphers +" GCM "\n",
                "aes128-ctr,aes192-ctr,aes256-ctr," GCM);
    lines_leave("Ciphers +" GCM " NotAfter 2027-01-01\nCiphers ^" GCM "\n",
                GCM ",aes128-ctr,aes192-ctr,aes256-ctr");
    lines_leave("Ciphers +" GCM " NotAfter 2027-01-01\nCiphers +" GCM " Address 192.0.2.1\n",
                "aes128-ctr,aes192-ctr,aes256-ctr," GCM "*," GCM "*");
    lines_leave("Ciphers +" GCM " NotAfter 2027-01-01\nCiphers +" GCM " NotAfter 2027-01-01\n",
                "aes128-ctr,aes192-ctr,aes256-ctr," GCM "*");
    lines_leave("Ciphers +" GCM " NotAfter 2027-01-01\nCiphers -" GCM "\n",
                "aes128-ctr,aes192-ctr,aes256-ctr");
}

static void a_prefix_needs_a_list_to_change(void **state)
{
    must_refuse_at(files_of("S.policy", "Ciphers +aes256-ctr\n", NULL), "S", 0,
                   "S.policy line 1: ", "no list yet that \"+\"");
    must_refuse_at(files_of("S.policy", "Ciphers ^aes256-ctr\n", NULL), "S", 0,
                   "S.policy line 1: ", "no list yet that \"^\"");
    policy_free(must_load(files_of("S.policy", "Ciphers -aes256-ctr\n", NULL), "S"));
}

static void inherit_brings_lists_and_rules_and_may_change_them(void **state)
{
    struct policy *policy = must_load(
        files_of(
            "A.policy", BASE "RequiredRSASize 4096\nAllowLoosening yes\nDescription base\nSerial 9\n",
            "B.policy",
            "Description mine\nInherit A\nCiphers +aes256-gcm@openssh.com\nRequiredRSASize 3072\nSerial 4\n",
            NULL),
        "B");
    char names[POLICY_LIST_MAX];
    assert_string_equal(list_names(policy, POLICY_CIPHER, names),
                        "aes128-ctr,aes192-ctr,aes256-ctr,aes256-gcm@openssh.com");
    assert_string_equal(policy->lists[POLICY_CIPHER].entries[0].origin.file, "A.policy");
    assert_string_equal(policy->lists[POLICY_CIPHER].entries[3].origin.file, "B.policy");
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    assert_string_equal(policy->description, "mine");
    assert_int_equal(policy->serial, 9);
    assert_true(policy->may_loosen);
    policy_free(policy);
}

static void inherit_stands_once_and_first(void **state)
{
    must_refuse_at(files_of("A.policy", BASE, "B.policy", "Ciphers aes256-ctr\nInherit A\n", NULL), "B", 0,
                   "B.policy line 2: ", "before every list");
    must_refuse_at(files_of("A.policy", BASE, "B.policy", "RequiredRSASize 2048\nInherit A\n", NULL), "B", 0,
                   "B.policy line 2: ", "before every list");
    must_refuse_at(files_of("A.policy", BASE, "B.policy", "Inherit A\nInherit A\n", NULL), "B", 0,
                   "B.policy line 2: ", "once");
    must_refuse_at(files_of("B.policy", "\nInherit NONE\n", "NOME.policy", BASE, NULL), "B", 0,
                   "B.policy line 2: there is no policy \"NONE\"", "perhaps \"NOME\"");
}

static void loops_name_their_chain(void **state)
{
    must_refuse_at(
        files_of("A.policy", "Inherit B\n", "B.policy", "Inherit C\n", "C.policy", "# c\nInherit A\n", NULL),
        "A", 0, "C.policy line 2: ", "A -> B -> C -> A");
    must_refuse_at(files_of("A.policy", "Inherit A\n", NULL), "A", 0, "A.policy line 1: ", "A -> A");
}

static struct policy_files *chain_of(unsigned count)
{
    struct policy_files *files = files_of("P0.policy", BASE, NULL);
    struct policy_error error;
    for (unsigned i = 1; i <= count; i++) {
        char path[32], text[32];
        snprintf(path, sizeof path, "P%u.policy", i);
        snprintf(text, sizeof text, "Inherit P%u\n", i - 1);
        assert_int_equal(policy_files_add(files, path, sp_text(text), (struct sp_span){0}, &error), 0);
    }
    return files;
}

static void depth_is_limited(void **state)
{
    policy_free(must_load(chain_of(POLICY_DEPTH_MAX), "P8"));
    must_refuse_at(chain_of(POLICY_DEPTH_MAX + 1), "P9", 0, "P1.policy line 1: ", "P9 -> P8 -> P7");
}

static void sub_policies_modify_in_the_order_of_the_spec(void **state)
{
    struct policy *policy =
        must_load(files_of("A.policy", BASE "Description base\n", "X.policy",
                           "SubPolicy yes\nCiphers -aes128-ctr\nDescription x\n", "Y.policy",
                           "SubPolicy yes\nCiphers ^aes256-ctr\nRequiredRSASize 3072\n", NULL),
                  "A:X:Y");
    char names[POLICY_LIST_MAX];
    assert_string_equal(list_names(policy, POLICY_CIPHER, names), "aes256-ctr,aes192-ctr");
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    assert_string_equal(policy->description, "base; x");
    assert_string_equal(policy->spec, "A:X:Y");
    policy_free(policy);
}

static void bases_and_sub_policies_are_not_each_other(void **state)
{
    must_refuse_at(files_of("A.policy", BASE, "B.policy", BASE, NULL), "A:B", 0, "policy \"B\"",
                   "SubPolicy yes");
    must_refuse_at(files_of("X.policy", "SubPolicy yes\nCiphers -aes128-ctr\n", NULL), "X", 0, "policy \"X\"",
                   "behind a \":\"");
    must_refuse_at(
        files_of("X.policy", "SubPolicy yes\nCiphers -aes128-ctr\n", "B.policy", "Inherit X\n", NULL), "B", 0,
        "B.policy line 1: ", "is a sub-policy");
    must_refuse_at(files_of("A.policy", BASE, "X.policy", "Inherit A\nSubPolicy yes\n", NULL), "A:X", 0,
                   "X.policy line 1: ", "only modifies");
}

static void sub_refuses(const char *lines, const char *place, const char *words)
{
    char text[1024], open[1100];
    struct policy *policy;
    snprintf(text, sizeof text, "SubPolicy yes\n%s", lines);
    must_refuse_at(
        files_of("A.policy", BASE "RequiredRSASize 3072\nRequireStrictKex yes\n", "X.policy", text, NULL),
        "A:X", 0, place, words);
    snprintf(open, sizeof open, "%sAllowLoosening yes\n", text);
    policy = must_load(
        files_of("A.policy", BASE "RequiredRSASize 3072\nRequireStrictKex yes\n", "X.policy", open, NULL),
        "A:X");
    assert_false(policy->may_loosen);
    policy_free(policy);
}

static void sub_policies_only_tighten_unless_they_say_so(void **state)
{
    sub_refuses("Ciphers +aes256-gcm@openssh.com\n", "X.policy line 2: ", "this adds aes256-gcm@openssh.com");
    sub_refuses("Ciphers ^aes256-gcm@openssh.com\n", "X.policy line 2: ", "AllowLoosening yes");
    sub_refuses("Ciphers aes256-ctr,aes256-gcm@openssh.com\n", "X.policy line 2: ", "AllowLoosening yes");
    sub_refuses("Ciphers +aes256-gcm@openssh.com NotAfter 2027-01-01\n",
                "X.policy line 2: ", "AllowLoosening yes");
    sub_refuses("RequiredRSASize 2048\n", "X.policy line 2: RequiredRSASize", "\"3072\" of A.policy line 8");
    sub_refuses("RequireStrictKex no\n", "X.policy line 2: RequireStrictKex", "A.policy line 9");
    struct policy *policy =
        must_load(files_of("A.policy", BASE, "X.policy",
                           "SubPolicy yes\nCiphers aes256-ctr\nMACs +hmac-sha2-256\n", NULL),
                  "A:X");
    policy_free(policy);
}

static void sub_policies_are_limited(void **state)
{
    char spec[64] = "A";
    for (unsigned i = 0; i < POLICY_SUBS_MAX; i++)
        strcat(spec, ":X");
    policy_free(must_load(files_of("A.policy", BASE, "X.policy", "SubPolicy yes\n", NULL), spec));
    strcat(spec, ":X");
    must_refuse_at(files_of("A.policy", BASE, "X.policy", "SubPolicy yes\n", NULL), spec, 0, "",
                   "at most 16");
}

static void a_sub_policy_may_forbid_loosening(void **state)
{
    struct policy *policy = must_load(files_of("A.policy", BASE "AllowLoosening yes\n", "X.policy",
                                               "SubPolicy yes\nAllowLoosening no\n", NULL),
                                      "A:X");
    assert_false(policy->may_loosen);
    policy_free(policy);
}

static void expiry_counts_to_the_last_second_and_is_the_earliest(void **state)
{
#define EXPIRING                                                                                             \
    files_of("A.policy", BASE "Expires 2027-06-30T12:00:00Z\n", "B.policy",                                  \
             "Inherit A\nExpires 2028-01-01\n", NULL)
    const int64_t end = 1814356800;
    policy_free(must_load_at(EXPIRING, "B", end - 1));
    struct policy *policy = must_load_at(EXPIRING, "B", end);
    assert_int_equal(policy->expires, end);
    policy_free(policy);
    must_refuse_at(EXPIRING, "B", end + 1, "A.policy line 8: Expires", "2027-06-30T12:00:00Z");
    policy_free(must_load_at(EXPIRING, "B", 0));
}

static void default_is_in_the_program_and_a_file_takes_its_place(void **state)
{
    struct policy *policy = must_load(files_of(NULL), "DEFAULT");
    assert_null(policy->lists[POLICY_KEX].entries[0].origin.file);
    assert_true(policy->lists[POLICY_KEX].entries[0].origin.line > 0);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        assert_true(policy->lists[kind].is_set && policy->lists[kind].count > 0);
    policy_free(policy);
    policy = must_load(files_of("/etc/x/DEFAULT.policy", BASE, NULL), "DEFAULT");
    assert_int_equal(policy->lists[POLICY_KEX].count, 3);
    policy_free(policy);
}

static void specs_are_checked(void **state)
{
    static const char *const specs[] = {"",       ":",        "DEFAULT:",     ":DEFAULT", "DEFAULT::B",
                                        "../etc", "DEF AULT", "DEFAULT:../x", ".hidden",  "/etc/x/A.policy"};
    char text[POLICY_SPEC_MAX + 8];
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
        must_refuse_at(files_of(NULL), specs[i], 0, "", "expected");
    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    must_refuse_at(files_of(NULL), text, 0, "", "at most 511");
    text[POLICY_NAME_MAX + 1] = '\0';
    must_refuse_at(files_of(NULL), text, 0, "", "expected a name");
}

static void sets_of_files_have_limits(void **state)
{
    static char large[POLICY_FILE_MAX + 1];
    struct policy_files *files = files_of("A.policy", BASE, NULL);
    struct policy_error error;
    memset(large, '\n', sizeof large);
    struct sp_span most = sp_span_of(large, POLICY_FILE_MAX), more = sp_span_of(large, sizeof large);
    const struct sp_span none = {0};
    assert_int_equal(policy_files_add(files, "B.policy", more, none, &error), POLICY_E_INVALID);
    assert_int_equal(policy_files_add(files, "B.policy", most, none, &error), 0);
    assert_int_equal(
        policy_files_add(files, "C.policy", none, sp_span_of(large, POLICY_SIGNATURE_MAX + 1), &error),
        POLICY_E_INVALID);
    assert_int_equal(policy_files_add(files, "A.policy", more, none, &error), 0);
    assert_int_equal(policy_files_find(files, "A")->text.size, strlen(BASE));
    for (unsigned i = 2; i < POLICY_FILES_MAX; i++) {
        char path[32];
        snprintf(path, sizeof path, "N%u.policy", i);
        assert_int_equal(policy_files_add(files, path, none, none, &error), 0);
    }
    assert_int_equal(policy_files_add(files, "Z.policy", none, none, &error), POLICY_E_INVALID);
    assert_non_null(strstr(error.text, "at most 64"));
    assert_non_null(policy_files_at(files, POLICY_FILES_MAX - 1));
    assert_null(policy_files_at(files, POLICY_FILES_MAX));
    policy_files_free(files);
}

static void names_of_files_are_checked(void **state)
{
    static const char *const paths[] = {"/etc/.policy", "/etc/a b.policy", "/etc/SYSTEM.policy",  "plain",
                                        "/a:b",         "/etc/..policy",   "/etc/\xc3\xa4.policy"};
    struct policy_files *files = files_of(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct policy_error error = {{0}};
        assert_int_equal(policy_files_add(files, paths[i], sp_text(""), (struct sp_span){0}, &error),
                         POLICY_E_INVALID);
        assert_int_equal(strncmp(error.text, paths[i], strlen(paths[i])), 0);
    }
    assert_null(policy_files_at(files, 0));
    policy_files_free(files);
}

static void amend_applies_a_line_of_the_configuration(void **state)
{
    struct policy *policy = load_lines("");
    struct policy_error error = {{0}};
    char file[] = "sallyport.conf", names[POLICY_LIST_MAX];
    assert_int_equal(policy_amend(policy, POLICY_CIPHER, "-aes128-ctr", file, 3, &error), 0);
    assert_int_equal(policy_amend(policy, POLICY_CIPHER, "^aes256-gcm@openssh.com", file, 4, &error), 0);
    file[0] = 'X';
    assert_string_equal(list_names(policy, POLICY_CIPHER, names),
                        "aes256-gcm@openssh.com,aes192-ctr,aes256-ctr");
    assert_string_equal(policy->lists[POLICY_CIPHER].entries[0].origin.file, "sallyport.conf");
    policy_free(policy);
}

static void a_refused_amendment_changes_nothing(void **state)
{
    struct policy *policy = load_lines("");
    struct policy_error error = {{0}};
    char names[POLICY_LIST_MAX];
    static const char *const bad[] = {"aes256-crt", "+aes128-cbc", "", "-", "+aes*", "-nope*", "aes128-ctr,"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(policy_amend(policy, POLICY_CIPHER, bad[i], "c.conf", 7, &error), POLICY_E_INVALID);
        assert_int_equal(strncmp(error.text, "c.conf line 7: Ciphers", 22), 0);
    }
    assert_string_equal(list_names(policy, POLICY_CIPHER, names), "aes128-ctr,aes192-ctr,aes256-ctr");
    policy_free(policy);
}

static void an_rsa_size_of_the_configuration_only_tightens(void **state)
{
    struct policy *policy = load_lines("RequiredRSASize 3072\n");
    policy_amend_rsa_size(policy, 2048, "c.conf", 1);
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    assert_string_equal(policy->rules.origins[POLICY_RSA_SIZE].file, "S.policy");
    policy_amend_rsa_size(policy, 4096, "c.conf", 2);
    assert_int_equal(policy->rules.rsa_bits_min, 4096);
    assert_string_equal(policy->rules.origins[POLICY_RSA_SIZE].file, "c.conf");
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_mean_what_they_mean_in_sshd_config),
        cmocka_unit_test(lines_apply_in_order),
        cmocka_unit_test(for_good_wins_over_exceptions),
        cmocka_unit_test(a_prefix_needs_a_list_to_change),
        cmocka_unit_test(inherit_brings_lists_and_rules_and_may_change_them),
        cmocka_unit_test(inherit_stands_once_and_first),
        cmocka_unit_test(loops_name_their_chain),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(sub_policies_modify_in_the_order_of_the_spec),
        cmocka_unit_test(bases_and_sub_policies_are_not_each_other),
        cmocka_unit_test(sub_policies_only_tighten_unless_they_say_so),
        cmocka_unit_test(sub_policies_are_limited),
        cmocka_unit_test(a_sub_policy_may_forbid_loosening),
        cmocka_unit_test(expiry_counts_to_the_last_second_and_is_the_earliest),
        cmocka_unit_test(default_is_in_the_program_and_a_file_takes_its_place),
        cmocka_unit_test(specs_are_checked),
        cmocka_unit_test(sets_of_files_have_limits),
        cmocka_unit_test(names_of_files_are_checked),
        cmocka_unit_test(amend_applies_a_line_of_the_configuration),
        cmocka_unit_test(a_refused_amendment_changes_nothing),
        cmocka_unit_test(an_rsa_size_of_the_configuration_only_tightens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
