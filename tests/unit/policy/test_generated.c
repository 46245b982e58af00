/* What crypto-policies generate for sshd, in the forms of several releases. */
#include "support.h"

#define SYSTEM "/etc/crypto-policies/back-ends/opensshserver.config"

static struct policy_files *generated(const char *text)
{
    return files_of(SYSTEM, text, NULL);
}

static void refuses(const char *text, const char *place, const char *words)
{
    must_refuse_at(generated(text), "SYSTEM", 0, place, words);
}

static const char *resolved(struct policy_files *files, const char *spec, enum policy_kind kind,
                            struct policy_effective *effective)
{
    struct policy_build build = whole_build();
    struct policy *policy = must_load(files, spec);
    must_resolve(policy, &build, 0, effective);
    policy_free(policy);
    return effective->lists[kind];
}

#define LINES                                                                                                \
    "Ciphers aes256-gcm@openssh.com,aes256-cbc,aes128-ctr\n"                                                 \
    "MACs hmac-sha2-256-etm@openssh.com,hmac-sha1\n"                                                         \
    "GSSAPIKexAlgorithms gss-curve25519-sha256-,gss-nistp256-sha256-\n"                                      \
    "KexAlgorithms "                                                                                         \
    "mlkem768x25519-sha256,gss-group14-sha256-,ecdh-sha2-nistp256,diffie-hellman-group14-sha1\n"             \
    "HostKeyAlgorithms ecdsa-sha2-nistp256,x509v3-ecdsa-sha2-nistp256,ssh-rsa,rsa-sha2-256\n"                \
    "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ssh-rsa\n"                                                 \
    "HostbasedAcceptedAlgorithms ecdsa-sha2-nistp256\n"                                                      \
    "CASignatureAlgorithms rsa-sha2-512,ssh-rsa\n"                                                           \
    "RequiredRSASize 3072\n"

static void lines_of_sshd_config_are_read_and_what_is_not_here_is_dropped(void **state)
{
    struct policy_effective e;
    resolved(generated(LINES), "SYSTEM", POLICY_KEX, &e);
    assert_string_equal(e.lists[POLICY_KEX], "mlkem768x25519-sha256,ecdh-sha2-nistp256");
    assert_string_equal(e.lists[POLICY_CIPHER], "aes256-gcm@openssh.com,aes128-ctr");
    assert_string_equal(e.lists[POLICY_MAC], "hmac-sha2-256-etm@openssh.com");
    assert_string_equal(e.lists[POLICY_HOST_KEY], "ecdsa-sha2-nistp256,rsa-sha2-256");
    assert_string_equal(e.lists[POLICY_USER_KEY], "ecdsa-sha2-nistp256");
    assert_string_equal(e.lists[POLICY_CA_KEY], "rsa-sha2-512");
    assert_int_equal(e.rules.rsa_bits_min, 3072);
}

static void the_older_line_of_shell_is_read(void **state)
{
    struct policy_effective e;
    resolved(generated(
                 "CRYPTO_POLICY='-oCiphers=aes256-ctr,aes128-cbc -oMACs=hmac-sha2-512 -oGSSAPIKeyExchange=no "
                 "-oGSSAPIKexAlgorithms=gss-group14-sha256- -oKexAlgorithms=curve25519-sha256 "
                 "-oHostKeyAlgorithms=rsa-sha2-256,ssh-rsa -oPubkeyAcceptedKeyTypes=ssh-ed25519,ssh-rsa "
                 "-oCASignatureAlgorithms=ssh-ed25519'\n"),
             "SYSTEM", POLICY_KEX, &e);
    assert_string_equal(e.lists[POLICY_CIPHER], "aes256-ctr");
    assert_string_equal(e.lists[POLICY_MAC], "hmac-sha2-512");
    assert_string_equal(e.lists[POLICY_KEX], "curve25519-sha256");
    assert_string_equal(e.lists[POLICY_HOST_KEY], "rsa-sha2-256");
    assert_string_equal(e.lists[POLICY_USER_KEY], "ssh-ed25519");
}

static void what_it_does_not_set_comes_from_default(void **state)
{
    struct policy_effective e;
    assert_string_equal(resolved(generated("Ciphers aes256-ctr\n"), "SYSTEM", POLICY_CIPHER, &e),
                        "aes256-ctr");
    struct policy_effective plain;
    resolved(files_of(NULL), "DEFAULT", POLICY_KEX, &plain);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        if (kind != POLICY_CIPHER)
            assert_string_equal(e.lists[kind], plain.lists[kind]);
}

static void sub_policies_may_follow(void **state)
{
    struct policy_effective e;
    struct policy_files *files =
        files_of(SYSTEM, LINES, "NO-GCM.policy", "SubPolicy yes\nCiphers -aes*-gcm@openssh.com\n", NULL);
    assert_string_equal(resolved(files, "SYSTEM:NO-GCM", POLICY_CIPHER, &e), "aes128-ctr");
}

static void another_path_is_another_such_file(void **state)
{
    struct policy_effective e;
    struct policy_files *files = files_of("/etc/other.config", "Ciphers aes192-ctr\n", NULL);
    assert_string_equal(resolved(files, "/etc/other.config", POLICY_CIPHER, &e), "aes192-ctr");
    must_refuse_at(files_of(NULL), "SYSTEM", 0, "there is no policy \"" SYSTEM "\"", "");
}

static void a_policy_may_inherit_it(void **state)
{
    struct policy_effective e;
    struct policy_files *files =
        files_of(SYSTEM, LINES, "SITE.policy", "Inherit SYSTEM\nCiphers -aes256-gcm@openssh.com\n", NULL);
    assert_string_equal(resolved(files, "SITE", POLICY_CIPHER, &e), "aes128-ctr");
}

static void a_smaller_rsa_size_is_the_floor(void **state)
{
    struct policy_effective e;
    resolved(generated("RequiredRSASize 1024\nCiphers aes256-ctr\n"), "SYSTEM", POLICY_CIPHER, &e);
    assert_int_equal(e.rules.rsa_bits_min, 2048);
}

static void mistakes_are_errors_with_a_line(void **state)
{
    refuses("Ciphers aes256-ctr\nPermitRootLogin no\n", SYSTEM " line 2: ", "unknown keyword");
    refuses("\nCiphers\n", SYSTEM " line 2: ", "expected one value");
    refuses("Ciphers aes256-ctr,,\n", SYSTEM " line 1: ", "separated by commas");
    refuses("RequiredRSASize big\n", SYSTEM " line 1: ", "bits");
    refuses("CRYPTO_POLICY='-oCiphers=aes256-ctr\n", SYSTEM " line 1: ", "closing quote");
    refuses("CRYPTO_POLICY='-Ciphers=aes256-ctr'\n", SYSTEM " line 1: ", "-oKEYWORD=VALUE");
    refuses("CRYPTO_POLICY='-oUsePAM=yes'\n", SYSTEM " line 1: ", "unknown keyword");
    refuses("# nothing\n", SYSTEM ": ", "at least one list");
    refuses("Inherit DEFAULT\n", SYSTEM " line 1: ", "unknown keyword");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_sshd_config_are_read_and_what_is_not_here_is_dropped),
        cmocka_unit_test(the_older_line_of_shell_is_read),
        cmocka_unit_test(what_it_does_not_set_comes_from_default),
        cmocka_unit_test(sub_policies_may_follow),
        cmocka_unit_test(another_path_is_another_such_file),
        cmocka_unit_test(a_policy_may_inherit_it),
        cmocka_unit_test(a_smaller_rsa_size_is_the_floor),
        cmocka_unit_test(mistakes_are_errors_with_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
