/* Configured lists against defaults, build and tokens. */
#include "support.h"

#include <sallyport/wire.h>

#include "policy/lists.h"

/* The registry's names, expanded from its file, without linking any module. */
#define KEX(symbol_, name_) "," name_
static const char known_kex[] = ""
#include "../../../modules/registry.def"
    ;
#define CIPHER(symbol_, name_) "," name_
static const char known_ciphers[] = ""
#include "../../../modules/registry.def"
    ;
#define MAC(symbol_, name_) "," name_
static const char known_macs[] = ""
#include "../../../modules/registry.def"
    ;
#define KEYTYPE(symbol_, name_) "," name_
static const char known_keys[] = ""
#include "../../../modules/registry.def"
    ;

static const char *known_of(enum policy_kind kind)
{
    static const char *const known[POLICY_KINDS] = {
        [POLICY_KEX] = known_kex + 1,        [POLICY_HOST_KEY] = known_keys + 1,
        [POLICY_CIPHER] = known_ciphers + 1, [POLICY_MAC] = known_macs + 1,
        [POLICY_USER_KEY] = known_keys + 1,  [POLICY_CA_KEY] = known_keys + 1,
        [POLICY_COMPRESSION] = "none",
    };
    return known[kind];
}

static void resolves(enum policy_kind kind, const char *configured, const char *available,
                     const char *expected)
{
    char resolved[POLICY_LIST_MAX] = "untouched", error[512] = "";
    int result = lists_resolve_one(kind, configured, available ? available : known_of(kind), known_of(kind),
                                   resolved, error, sizeof error);
    if (result != 0)
        print_error("%s\n", error);
    assert_int_equal(result, 0);
    assert_string_equal(resolved, expected);
}

static void refuses(enum policy_kind kind, const char *configured, const char *available, const char *words)
{
    char resolved[POLICY_LIST_MAX] = "untouched", error[512] = "";
    int result = lists_resolve_one(kind, configured, available ? available : known_of(kind), known_of(kind),
                                   resolved, error, sizeof error);
    assert_int_equal(result, POLICY_E_INVALID);
    assert_string_equal(resolved, "untouched");
    assert_int_equal(strncmp(error, policy_keyword(kind), strlen(policy_keyword(kind))), 0);
    if (!strstr(error, words))
        print_error("%s\n", error);
    assert_non_null(strstr(error, words));
}

static void nothing_means_the_default(void **state)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        resolves(kind, "", NULL, policy_default(kind));
}

static void every_default_is_in_the_registry(void **state)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        struct sp_span defaults = sp_text(policy_default(kind)), known = sp_text(known_of(kind));
        while (defaults.size != 0)
            assert_true(sp_list_has(known, sp_next_name(&defaults)));
    }
}

static void defaults_begin_with_what_is_best(void **state)
{
    assert_int_equal(strncmp(policy_default(POLICY_KEX), "mlkem768x25519-sha256,", 22), 0);
    assert_int_equal(strncmp(policy_default(POLICY_MAC), "hmac-sha2-256-etm@openssh.com,", 30), 0);
}

static void a_plain_list_replaces(void **state)
{
    resolves(POLICY_CIPHER, "aes256-ctr,aes128-ctr", NULL, "aes256-ctr,aes128-ctr");
    resolves(POLICY_CIPHER, "aes256-ctr,aes128-ctr,aes256-ctr", NULL, "aes256-ctr,aes128-ctr");
}

static void plus_appends(void **state)
{
    resolves(POLICY_MAC, "+hmac-sha2-256", NULL, policy_default(POLICY_MAC));
}

static void minus_removes_names_and_patterns(void **state)
{
    resolves(POLICY_CIPHER, "-aes*-ctr,chacha20*", NULL, "aes128-gcm@openssh.com,aes256-gcm@openssh.com");
    resolves(POLICY_MAC, "-hmac-sha2-???", NULL,
             "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com");
    resolves(POLICY_HOST_KEY, "-ecdsa-*", NULL, "ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
}

static void minus_accepts_what_other_servers_have(void **state)
{
    resolves(POLICY_MAC, "-hmac-sha1,hmac-md5*,umac-64@openssh.com", NULL, policy_default(POLICY_MAC));
    resolves(POLICY_CIPHER, "-*-cbc,3des-cbc,arcfour", NULL, policy_default(POLICY_CIPHER));
    resolves(POLICY_USER_KEY, "-ssh-rsa*,ssh-dss", NULL, policy_default(POLICY_USER_KEY));
    resolves(POLICY_KEX, "-diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha256", NULL,
             policy_default(POLICY_KEX));
}

static void minus_refuses_what_would_remove_nothing(void **state)
{
    refuses(POLICY_CIPHER, "-chacha20-poly1305", NULL, "would remove nothing");
    refuses(POLICY_CIPHER, "-aes512*", NULL, "would remove nothing");
}

static void caret_puts_in_front(void **state)
{
    resolves(POLICY_MAC, "^hmac-sha2-512", NULL,
             "hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256");
}

static void what_is_not_available_is_left_out(void **state)
{
    resolves(POLICY_KEX, "mlkem768x25519-sha256,curve25519-sha256", "curve25519-sha256,ecdh-sha2-nistp256",
             "curve25519-sha256");
    resolves(POLICY_HOST_KEY, "", "rsa-sha2-256,rsa-sha2-512", "rsa-sha2-512,rsa-sha2-256");
}

static void an_empty_result_is_an_error_that_names_both_sides(void **state)
{
    refuses(POLICY_KEX, "mlkem768x25519-sha256", "curve25519-sha256",
            "wanted mlkem768x25519-sha256; this machine has curve25519-sha256");
    refuses(POLICY_HOST_KEY, "ssh-ed25519", "rsa-sha2-256",
            "wanted ssh-ed25519; the host keys can sign with rsa-sha2-256");
    refuses(POLICY_HOST_KEY, "", "", "the host keys can sign with none");
    refuses(POLICY_CIPHER, "-*", NULL, "removes every algorithm");
}

static void unknown_names_are_errors(void **state)
{
    refuses(POLICY_CIPHER, "aes128-crt", NULL, "unknown algorithm \"aes128-crt\"");
    refuses(POLICY_CIPHER, "+aes128-cbc", NULL, "does not have \"aes128-cbc\"");
    refuses(POLICY_MAC, "^hmac-md5", NULL, "does not have \"hmac-md5\"");
    refuses(POLICY_CIPHER, "aes*", NULL, "wildcards");
    refuses(POLICY_CIPHER, "AES128-CTR", NULL, "unknown algorithm");
}

static void malformed_lists_are_errors(void **state)
{
    static const char *const lists[] = {"+",
                                        "-",
                                        "^",
                                        ",",
                                        "aes128-ctr,",
                                        ",aes128-ctr",
                                        "aes128-ctr,,aes256-ctr",
                                        "-,",
                                        "aes128-ctr aes256-ctr",
                                        "++aes128-ctr"};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        refuses(POLICY_CIPHER, lists[i], NULL, "");
}

static void over_long_lists_are_errors(void **state)
{
    static char names[POLICY_LIST_MAX * 2];
    size_t size = 0;
    for (unsigned i = 0; size < POLICY_LIST_MAX + 16; i++)
        size += (size_t)snprintf(names + size, sizeof names - size, "%sname-%05u", i ? "," : "", i);
    char resolved[POLICY_LIST_MAX] = "untouched", error[64] = "";
    assert_int_equal(lists_resolve_one(POLICY_CIPHER, names, names, names, resolved, error, sizeof error),
                     POLICY_E_INVALID);
    assert_non_null(strstr(error, "longer than 2047 octets"));
    assert_string_equal(resolved, "untouched");
    /* An error's room of any size is respected. */
    char small[4] = "abc";
    assert_int_equal(lists_resolve_one(POLICY_CIPHER, "x", names, names, resolved, small, sizeof small),
                     POLICY_E_INVALID);
    assert_int_equal(small[3], '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_the_default),
        cmocka_unit_test(every_default_is_in_the_registry),
        cmocka_unit_test(defaults_begin_with_what_is_best),
        cmocka_unit_test(a_plain_list_replaces),
        cmocka_unit_test(plus_appends),
        cmocka_unit_test(minus_removes_names_and_patterns),
        cmocka_unit_test(minus_accepts_what_other_servers_have),
        cmocka_unit_test(minus_refuses_what_would_remove_nothing),
        cmocka_unit_test(caret_puts_in_front),
        cmocka_unit_test(what_is_not_available_is_left_out),
        cmocka_unit_test(an_empty_result_is_an_error_that_names_both_sides),
        cmocka_unit_test(unknown_names_are_errors),
        cmocka_unit_test(malformed_lists_are_errors),
        cmocka_unit_test(over_long_lists_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
