/* The language of policy files: what is read, and how each mistake is called. */
#include "support.h"

static void keywords_and_words_are_read_in_any_case(void **state)
{
    struct policy *policy = load_lines("REQUIREDRSASIZE 3072\nrequirestrictkex YES\nciphers -aes128-ctr\n");
    char names[POLICY_LIST_MAX];
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    assert_true(policy->rules.strict_kex);
    assert_string_equal(list_names(policy, POLICY_CIPHER, names), "aes192-ctr,aes256-ctr");
    policy_free(policy);
}

static void quotes_comments_and_equal_signs_are_those_of_sshd_config(void **state)
{
    struct policy *policy =
        load_lines("Description \"a text\" # comment\n\n# all of it\nRequiredRSASize=4096\n"
                   "Ciphers \"aes256-ctr\"\n");
    char names[POLICY_LIST_MAX];
    assert_string_equal(policy->description, "a text");
    assert_int_equal(policy->rules.rsa_bits_min, 4096);
    assert_string_equal(list_names(policy, POLICY_CIPHER, names), "aes256-ctr");
    policy_free(policy);
}

static void an_unknown_keyword_is_an_error_with_a_hint(void **state)
{
    refuse_lines("RequiredRSASiez 3072\n", "S.policy line 8: ", "perhaps \"RequiredRSASize\"");
    refuse_lines("\n\nCipher aes256-ctr\n", "S.policy line 10: ", "perhaps \"Ciphers\"");
    refuse_lines("PermitRootLogin no\n",
                 "S.policy line 8: ", "unknown keyword \"PermitRootLogin\"; expected");
}

static void malformed_lines_are_errors(void **state)
{
    refuse_lines("Description \"open\n", "S.policy line 8: ", "closing quote");
    refuse_lines("Ciphers: aes256-ctr\n", "S.policy line 8: ", "expected a keyword");
    refuse_lines("Ciphers aes256\x01-ctr\n", "S.policy line 8: ", "control characters");
}

static void what_a_file_says_of_itself_is_checked(void **state)
{
    refuse_lines("Description\n", "S.policy line 8: Description", "text");
    refuse_lines("Source \"\"\n", "S.policy line 8: Source", "text");
    refuse_lines("Serial 0\n", "S.policy line 8: Serial", "number from 1");
    refuse_lines("Serial 18446744073709551616\n", "S.policy line 8: Serial", "number from 1");
    refuse_lines("Serial 1 2\n", "S.policy line 8: Serial", "got \"1 2\"");
    refuse_lines("Expires tomorrow\n", "S.policy line 8: Expires", "YYYY-MM-DD");
    refuse_lines("Expires 2027-02-30\n", "S.policy line 8: Expires", "YYYY-MM-DD");
    refuse_lines("AllowLoosening perhaps\n", "S.policy line 8: AllowLoosening", "yes or no");
    refuse_lines("SubPolicy maybe\n", "S.policy line 8: SubPolicy", "yes or no");
}

static void only_sources_lists_and_rules_may_repeat(void **state)
{
    refuse_lines("Serial 1\nSerial 2\n", "S.policy line 9: Serial", "once");
    refuse_lines("Expires 2027-01-01\nExpires 2027-01-01\n", "S.policy line 9: Expires", "once");
    refuse_lines("Description a\nDescription b\n", "S.policy line 9: Description", "once");
    refuse_lines("AllowLoosening no\nAllowLoosening yes\n", "S.policy line 9: AllowLoosening", "once");
    struct policy *policy = load_lines("Source a\nSource b\nRequiredRSASize 4096\nRequiredRSASize 3072\n");
    assert_int_equal(policy->rules.rsa_bits_min, 3072);
    assert_int_equal(policy->rules.origins[POLICY_RSA_SIZE].line, 11);
    policy_free(policy);
}

static void a_name_that_nobody_knows_is_an_error_with_a_hint(void **state)
{
    refuse_lines("Ciphers +aes256-crt\n", "S.policy line 8: Ciphers", "perhaps \"aes256-ctr\"");
    refuse_lines("KexAlgorithms curve25519-sha265\n", "S.policy line 8: ", "perhaps \"curve25519-sha256\"");
    refuse_lines("Ciphers ^xyz\n", "S.policy line 8: ", "unknown algorithm \"xyz\"");
    refuse_lines("KexAlgorithms +diffie-hellman-group14-sha265\n", "S.policy line 8: ", "unknown algorithm");
    refuse_lines("Ciphers AES256-CTR\n", "S.policy line 8: ", "perhaps \"aes256-ctr\"");
}

static void a_misspelled_removal_is_an_error(void **state)
{
    refuse_lines("Ciphers -aes256-crt\n", "S.policy line 8: ", "perhaps \"-aes256-ctr\"");
    refuse_lines("KexAlgorithms -difie-*\n", "S.policy line 8: ", "would remove nothing that exists");
}

static void names_of_other_servers_are_fine(void **state)
{
    struct policy *policy =
        load_lines("KexAlgorithms +curve448-sha512\nPubkeyAcceptedAlgorithms +ssh-ed448\n"
                   "MACs +umac-96@openssh.com\nCompressionAlgorithms +zlib\nKexAlgorithms -gss-*\n");
    assert_int_equal(policy->lists[POLICY_KEX].count, 4);
    policy_free(policy);
}

static void broken_algorithms_may_only_be_removed(void **state)
{
    static const struct {
        const char *line, *words;
    } broken[] = {
        {"PubkeyAcceptedAlgorithms +ssh-rsa", "SHA-1"},
        {"HostKeyAlgorithms ssh-rsa", "SHA-1"},
        {"CASignatureAlgorithms ^ssh-dss", "DSA"},
        {"Ciphers +aes128-cbc", "CBC"},
        {"Ciphers +3des-cbc", "CBC"},
        {"Ciphers +arcfour256", "RC4"},
        {"Ciphers +none", "does not encrypt"},
        {"MACs +hmac-md5", "MD5"},
        {"MACs +hmac-md5-96-etm@openssh.com", "MD5"},
        {"MACs none", "does not authenticate"},
        {"KexAlgorithms +diffie-hellman-group1-sha1", "1024-bit"},
        {"KexAlgorithms +diffie-hellman-group14-sha1", "SHA-1"},
        {"KexAlgorithms +diffie-hellman-group-exchange-sha1", "SHA-1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        refuse_lines(broken[i].line, "S.policy line 8: ", broken[i].words);
    policy_free(
        load_lines("Ciphers -*-cbc,arcfour*,none\nMACs -hmac-md5*\nHostKeyAlgorithms -ssh-rsa,ssh-dss\n"
                   "KexAlgorithms -diffie-hellman-group1-sha1,*-sha1\n"));
}

static void wildcards_stand_behind_a_minus_alone(void **state)
{
    refuse_lines("Ciphers aes*\n", "S.policy line 8: ", "wildcards");
    refuse_lines("Ciphers +aes?28-ctr\n", "S.policy line 8: ", "wildcards");
}

static void lists_have_no_holes_and_no_blanks(void **state)
{
    refuse_lines("Ciphers\n", "S.policy line 8: Ciphers", "separated by commas");
    refuse_lines("Ciphers +\n", "S.policy line 8: Ciphers", "separated by commas");
    refuse_lines("Ciphers aes128-ctr,\n", "S.policy line 8: Ciphers", "separated by commas");
    refuse_lines("Ciphers aes128-ctr,,aes256-ctr\n", "S.policy line 8: Ciphers", "separated by commas");
    refuse_lines("Ciphers aes128-ctr, aes256-ctr\n", "S.policy line 8: Ciphers", "separated by commas");
    refuse_lines("Ciphers aes128-ctr aes256-ctr\n", "S.policy line 8: Ciphers", "without blanks");
}

static void exceptions_take_both_conditions_in_any_order(void **state)
{
    struct policy *policy =
        load_lines("KexAlgorithms +diffie-hellman-group16-sha512 NotAfter 2027-06-30 Address 192.0.2.0/24\n"
                   "KexAlgorithms +diffie-hellman-group18-sha512 address 2001:db8::/32,!2001:db8::1 notafter "
                   "20270630120000Z\n");
    const struct policy_entry *entries = policy->lists[POLICY_KEX].entries;
    assert_int_equal(policy->lists[POLICY_KEX].count, 5);
    assert_int_equal(entries[3].not_after, 1814399999);
    assert_string_equal(entries[3].addresses, "192.0.2.0/24");
    assert_int_equal(entries[4].not_after, 1814356800);
    assert_string_equal(entries[4].addresses, "2001:db8::/32,!2001:db8::1");
    assert_string_equal(entries[4].origin.file, "S.policy");
    assert_int_equal(entries[4].origin.line, 9);
    policy_free(policy);
}

static void conditions_are_checked(void **state)
{
#define LINE "KexAlgorithms +diffie-hellman-group16-sha512 "
    refuse_lines(LINE "NotAfter 2027-02-29\n", "S.policy line 8: NotAfter", "expected a date");
    refuse_lines(LINE "NotAfter\n", "S.policy line 8: NotAfter", "expected a date");
    refuse_lines(LINE "NotAfter 2027-01-01 NotAfter 2028-01-01\n", "S.policy line 8: ", "each once");
    refuse_lines(LINE "Address 192.0.2.1/24\n", "S.policy line 8: Address", "host bits");
    refuse_lines(LINE "Address\n", "S.policy line 8: Address", "addresses");
    refuse_lines(LINE "Address host.example\n", "S.policy line 8: Address", "addresses");
    refuse_lines(LINE "Address !192.0.2.1\n", "S.policy line 8: Address", "nobody");
    refuse_lines(LINE "Address 192.0.2.1 Address 192.0.2.2\n", "S.policy line 8: ", "each once");
    refuse_lines(LINE "Until 2027-01-01\n", "S.policy line 8: ", "expected NotAfter DATE or Address");
    refuse_lines("KexAlgorithms -ecdh-sha2-nistp256 NotAfter 2027-01-01\n",
                 "S.policy line 8: ", "\"+\" alone");
    refuse_lines("KexAlgorithms ecdh-sha2-nistp256 Address 192.0.2.1\n", "S.policy line 8: ", "\"+\" alone");
    refuse_lines("KexAlgorithms ^ecdh-sha2-nistp256 Address 192.0.2.1\n", "S.policy line 8: ", "\"+\" alone");
}

static void exceptions_are_limited(void **state)
{
    char text[8192] = "";
    size_t used = 0;
    for (unsigned i = 0; i <= POLICY_EXCEPTIONS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "Ciphers +aes256-gcm@openssh.com Address 192.0.2.%u\n", i);
    refuse_lines(text, "S.policy line 40: ", "at most 32");
}

static void lists_are_limited(void **state)
{
    char text[8192] = "KexAlgorithms ";
    for (unsigned i = 0, used = 14; i < 129; i++)
        used += (unsigned)snprintf(text + used, sizeof text - used, "%sgss-group14-%u", i == 0 ? "" : ",", i);
    refuse_lines(text, "S.policy line 8: ", "at most 128");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_and_words_are_read_in_any_case),
        cmocka_unit_test(quotes_comments_and_equal_signs_are_those_of_sshd_config),
        cmocka_unit_test(an_unknown_keyword_is_an_error_with_a_hint),
        cmocka_unit_test(malformed_lines_are_errors),
        cmocka_unit_test(what_a_file_says_of_itself_is_checked),
        cmocka_unit_test(only_sources_lists_and_rules_may_repeat),
        cmocka_unit_test(a_name_that_nobody_knows_is_an_error_with_a_hint),
        cmocka_unit_test(a_misspelled_removal_is_an_error),
        cmocka_unit_test(names_of_other_servers_are_fine),
        cmocka_unit_test(broken_algorithms_may_only_be_removed),
        cmocka_unit_test(wildcards_stand_behind_a_minus_alone),
        cmocka_unit_test(lists_have_no_holes_and_no_blanks),
        cmocka_unit_test(exceptions_take_both_conditions_in_any_order),
        cmocka_unit_test(conditions_are_checked),
        cmocka_unit_test(exceptions_are_limited),
        cmocka_unit_test(lists_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
