/* session/asuser/key_subject.c, key_rules.c, cert_options.c: what is presented, judged by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "session/asuser/cert_options.h"
#include "session/asuser/key_subject.h"

#include "../modules/certificate_vectors.h"
#include "../modules/hex.h"

#define CA_ALGORITHMS "ssh-ed25519,rsa-sha2-512"
#define IN_TIME 1800000000 /* the vectors are valid from 2020 to 2040 */

static struct key_subject subject;
static char why[1024];

static int open_with(const char *algorithm, const char *blob, const struct key_rules *sizes,
                     const char *ca_algorithms, int64_t now)
{
    static struct hex bytes; /* the subject points into it */
    bytes = hex_of(blob);
    const struct key_subject_rules rules = {
        .sizes = sizes, .ca_algorithms = sp_text(ca_algorithms), .now = now};
    why[0] = 0;
    int r = key_subject_open(sp_text(algorithm), hex_span(&bytes), &rules, &subject, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    return r;
}

static int open_sized(const char *algorithm, const char *blob, const struct key_rules *sizes)
{
    return open_with(algorithm, blob, sizes, CA_ALGORITHMS, IN_TIME);
}

static int open_any(const char *algorithm, const char *blob)
{
    return open_sized(algorithm, blob, &(struct key_rules){0});
}

#define CERT "ssh-ed25519-cert-v01@openssh.com"

static void a_key_and_its_certificate_have_one_fingerprint(void **state)
{
    char plain[FINGERPRINT_MAX];
    assert_int_equal(open_any("ssh-ed25519", plain_ed), 0);
    assert_false(subject.certified);
    memcpy(plain, subject.fingerprint, sizeof plain);
    assert_int_equal(strncmp(plain, "SHA256:", 7), 0);
    assert_int_equal(open_any(CERT, cert_ed), 0);
    assert_true(subject.certified);
    assert_string_equal(subject.fingerprint, plain);
    assert_string_not_equal(subject.ca_fingerprint, plain);
}

static void the_algorithm_has_to_be_the_blobs(void **state)
{
    assert_int_equal(open_any(CERT, plain_ed), KEY_SUBJECT_E_REFUSED);
    assert_int_equal(open_any("ssh-ed25519", cert_ed), KEY_SUBJECT_E_REFUSED);
    assert_int_equal(open_any(CERT, cert_p256), KEY_SUBJECT_E_REFUSED);
    assert_int_equal(open_any("ssh-rsa", plain_rsa), KEY_SUBJECT_E_REFUSED);
    assert_int_equal(open_any("no-such", plain_ed), KEY_SUBJECT_E_REFUSED);
    assert_int_equal(open_any("rsa-sha2-256-cert-v01@openssh.com", cert_rsa), 0);
    assert_int_equal(open_any("rsa-sha2-512-cert-v01@openssh.com", cert_rsa), 0);
}

static void certificates_are_valid_from_then_to_before_then(void **state)
{
    const struct key_rules none = {0};
    const int64_t from = 1577836800, before = 2208988800;
    assert_int_equal(open_with(CERT, cert_ed, &none, CA_ALGORITHMS, from - 1), KEY_SUBJECT_E_REFUSED);
    assert_non_null(strstr(why, "not valid yet"));
    assert_int_equal(open_with(CERT, cert_ed, &none, CA_ALGORITHMS, from), 0);
    assert_int_equal(open_with(CERT, cert_ed, &none, CA_ALGORITHMS, before - 1), 0);
    assert_int_equal(open_with(CERT, cert_ed, &none, CA_ALGORITHMS, before), KEY_SUBJECT_E_REFUSED);
    assert_non_null(strstr(why, "expired"));
    assert_int_equal(open_with(CERT, cert_plainest, &none, CA_ALGORITHMS, INT64_MAX), 0);
}

static void a_hosts_certificate_is_no_users(void **state)
{
    assert_int_equal(open_any(CERT, cert_host_by_rsa), KEY_SUBJECT_E_REFUSED);
    assert_non_null(strstr(why, "host"));
}

static void the_authoritys_algorithm_has_to_be_listed(void **state)
{
    const struct key_rules none = {0};
    assert_int_equal(open_with(CERT, cert_ed, &none, "rsa-sha2-512", IN_TIME), KEY_SUBJECT_E_REFUSED);
    assert_string_equal(why, "CASignatureAlgorithms: the certificate is signed with ssh-ed25519");
    assert_string_equal(subject.objection.rule, "CASignatureAlgorithms");
    assert_true(sp_span_is(subject.objection.algorithm, "ssh-ed25519"));
    assert_int_equal(open_with(CERT, cert_ed, &none, "", IN_TIME), KEY_SUBJECT_E_REFUSED);
}

static void a_wrong_signature_of_the_authority_is_refused(void **state)
{
    char changed[sizeof cert_ed];
    memcpy(changed, cert_ed, sizeof changed);
    char *last = &changed[sizeof changed - 2];
    *last = *last == '0' ? '1' : '0';
    assert_int_equal(open_any(CERT, changed), KEY_SUBJECT_E_REFUSED);
    assert_string_equal(why, "the certificate's signature is wrong");
}

static void sizes_are_named_by_their_rule(void **state)
{
    static const struct {
        const char *algorithm, *blob;
        struct key_rules rules;
        const char *words;
    } rows[] = {
        {"rsa-sha2-512", plain_rsa, {.rsa_bits_min = 2048}, NULL},
        {"rsa-sha2-512",
         plain_rsa,
         {.rsa_bits_min = 3072},
         "RequiredRSASize: RSA key of 2048 bits, at least 3072"},
        {"rsa-sha2-512", plain_rsa, {.rsa_bits = {4096, 2048}, .rsa_bits_count = 2}, NULL},
        {"rsa-sha2-512",
         plain_rsa,
         {.rsa_bits = {3072, 4096}, .rsa_bits_count = 2},
         "AllowedRSASizes: RSA key of 2048 bits, only 3072,4096"},
        {"rsa-sha2-512", plain_rsa, {.ec_bits_min = 384}, NULL},
        {"ecdsa-sha2-nistp256",
         plain_p256,
         {.ec_bits_min = 384},
         "RequiredECSize: key of 256 bits, at least 384"},
        {"ecdsa-sha2-nistp384", plain_p384, {.ec_bits_min = 384}, NULL},
        {"ecdsa-sha2-nistp256", plain_p256, {.rsa_bits_min = 3072}, NULL},
        {"rsa-sha2-512-cert-v01@openssh.com",
         cert_rsa,
         {.rsa_bits_min = 3072},
         "RequiredRSASize: RSA key of 2048 bits, at least 3072"},
        {"ecdsa-sha2-nistp384-cert-v01@openssh.com",
         cert_p384,
         {.ec_bits_min = 384},
         "RequiredECSize: key of 256 bits, at least 384 (the authority's key)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(open_sized(rows[i].algorithm, rows[i].blob, &rows[i].rules),
                         rows[i].words ? KEY_SUBJECT_E_REFUSED : 0);
        if (rows[i].words)
            assert_string_equal(why, rows[i].words);
        const char *rule = subject.objection.rule;
        assert_int_equal(rule != NULL, rows[i].words != NULL);
        assert_true(!rule || (strncmp(why, rule, strlen(rule)) == 0 && why[strlen(rule)] == ':'));
    }
}

static void what_no_rule_refuses_names_none(void **state)
{
    const struct key_rules none = {0};
    assert_int_equal(open_with(CERT, cert_ed, &none, CA_ALGORITHMS, 0), KEY_SUBJECT_E_REFUSED);
    assert_null(subject.objection.rule);
    assert_int_equal(open_any(CERT, plain_ed), KEY_SUBJECT_E_REFUSED);
    assert_null(subject.objection.rule);
}

static int check_again(const struct key_rules *sizes, const char *ca_algorithms)
{
    const struct key_subject_rules rules = {
        .sizes = sizes, .ca_algorithms = sp_text(ca_algorithms), .now = IN_TIME};
    why[0] = 0;
    int r = key_subject_check_rules(&subject, &rules, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    assert_int_equal(r != 0, subject.objection.rule != NULL);
    return r;
}

/* As for PolicyMode report: the one set of rules has let it in, the other is asked after. */
static void an_open_subject_is_judged_by_other_rules(void **state)
{
    const struct key_rules none = {0}, large = {.rsa_bits_min = 3072, .ec_bits_min = 384};
    assert_int_equal(open_any("rsa-sha2-512", plain_rsa), 0);
    assert_int_equal(check_again(&none, ""), 0);
    assert_int_equal(check_again(&large, ""), KEY_SUBJECT_E_REFUSED);
    assert_string_equal(subject.objection.rule, "RequiredRSASize");
    assert_int_equal(open_any(CERT, cert_ed), 0);
    assert_int_equal(check_again(&none, CA_ALGORITHMS), 0);
    assert_int_equal(check_again(&none, "rsa-sha2-512"), KEY_SUBJECT_E_REFUSED);
    assert_string_equal(subject.objection.rule, "CASignatureAlgorithms");
    assert_true(sp_span_is(subject.objection.algorithm, "ssh-ed25519"));
    assert_int_equal(check_again(&none, CA_ALGORITHMS), 0);
    assert_int_equal(open_any("ecdsa-sha2-nistp384-cert-v01@openssh.com", cert_p384), 0);
    assert_int_equal(check_again(&large, CA_ALGORITHMS), KEY_SUBJECT_E_REFUSED);
    assert_string_equal(why, "RequiredECSize: key of 256 bits, at least 384 (the authority's key)");
}

static void sizes_are_read_as_they_come(void **state)
{
    struct key_rules rules = {0};
    uint8_t many[4 * (KEY_RULES_RSA_SIZES_MAX + 1)] = {0};
    assert_int_equal(key_rules_set_sizes(sp_span_of("\0\0\x0c\0\0\0\x10\0", 8), &rules), 0);
    assert_int_equal(rules.rsa_bits_count, 2);
    assert_int_equal(rules.rsa_bits[0], 3072);
    assert_int_equal(rules.rsa_bits[1], 4096);
    assert_true(key_rules_set_sizes(sp_span_of(many, 5), &rules) < 0);
    assert_int_equal(key_rules_set_sizes(sp_span_of(many, sizeof many - 4), &rules), 0);
    assert_true(key_rules_set_sizes(sp_span_of(many, sizeof many), &rules) < 0);
}

static void principals_are_whole_names(void **state)
{
    assert_int_equal(open_any(CERT, cert_ed), 0); /* alice, bob */
    assert_true(key_subject_has_principal(&subject, sp_text("alice")));
    assert_true(key_subject_has_principal(&subject, sp_text("bob")));
    assert_false(key_subject_has_principal(&subject, sp_text("alice,bob")));
    assert_false(key_subject_has_principal(&subject, sp_text("alic")));
    assert_false(key_subject_has_principal(&subject, sp_text("")));
    assert_int_equal(open_any(CERT, cert_plainest), 0);
    assert_false(key_subject_has_principal(&subject, sp_text("alice")));
    assert_false(key_subject_has_principal(&subject, sp_text("")));
}

static void a_certificate_grants_what_it_names(void **state)
{
    assert_int_equal(open_any(CERT, cert_ed), 0); /* made with -O no-pty */
    assert_true(subject.options.denied[KEY_PTY]);
    assert_false(subject.options.denied[KEY_PORT_FORWARDING] || subject.options.denied[KEY_USER_RC]);
    assert_true(sp_span_is(subject.options.command, "echo hi"));
    assert_true(sp_span_is(subject.options.from, "192.0.2.0/24,2001:db8::/32"));
    assert_false(subject.options.no_touch || subject.options.verify);
}

static struct sp_span list_of(const char *name, const char *value, bool wrapped)
{
    static uint8_t bytes[256];
    uint8_t inner[128];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes},
                  in = {.data = inner, .capacity = sizeof inner};
    sp_put_text(&out, name);
    if (wrapped)
        sp_put_text(&in, value);
    else
        sp_put_raw(&in, sp_text(value));
    sp_put_string(&out, sp_written(&in));
    return sp_written(&out);
}

static int options_of(struct sp_span critical, struct sp_span extensions)
{
    const struct sp_certificate certificate = {.critical_options = critical, .extensions = extensions};
    why[0] = 0;
    int r = cert_options_read(&certificate, &subject.options, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    return r;
}

static void nothing_named_is_nothing_granted(void **state)
{
    const struct sp_span none = {0};
    assert_int_equal(options_of(none, none), 0);
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        assert_true(subject.options.denied[i]);
    assert_int_equal(options_of(none, list_of("permit-X11-forwarding", "", false)), 0);
    assert_false(subject.options.denied[KEY_X11_FORWARDING]);
    assert_true(subject.options.denied[KEY_PTY]);
    assert_int_equal(options_of(none, list_of("no-touch-required", "", false)), 0);
    assert_true(subject.options.no_touch);
    assert_int_equal(options_of(list_of("verify-required", "", false), none), 0);
    assert_true(subject.options.verify);
}

static void critical_options_are_understood_or_refused(void **state)
{
    const struct sp_span none = {0};
    static const struct {
        const char *name, *value;
        bool wrapped;
    } bad[] = {{"later@example.org", "", false},
               {"permit-pty", "", false},
               {"force-command", "date", false},
               {"force-command", "", true},
               {"force-command", "", false},
               {"source-address", "192.0.2.1", false},
               {"source-address", "", true},
               {"source-address", "*", true},
               {"source-address", "!192.0.2.1", true},
               {"source-address", "192.0.2.1/8", true},
               {"source-address", "example.org", true},
               {"verify-required", "x", true}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(options_of(list_of(bad[i].name, bad[i].value, bad[i].wrapped), none),
                         KEY_OPTIONS_E_REFUSED);
        assert_non_null(strstr(why, bad[i].name));
    }
    assert_int_equal(options_of(list_of("source-address", "192.0.2.1,2001:db8::/32", true), none), 0);
}

static void unknown_extensions_are_passed_over(void **state)
{
    const struct sp_span none = {0};
    assert_int_equal(options_of(none, list_of("login@github.com", "alice", true)), 0);
    assert_int_equal(options_of(none, list_of("permit-pty", "x", true)), KEY_OPTIONS_E_REFUSED);
    assert_int_equal(options_of(none, list_of("no-touch-required", "x", true)), KEY_OPTIONS_E_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_and_its_certificate_have_one_fingerprint),
        cmocka_unit_test(the_algorithm_has_to_be_the_blobs),
        cmocka_unit_test(certificates_are_valid_from_then_to_before_then),
        cmocka_unit_test(a_hosts_certificate_is_no_users),
        cmocka_unit_test(the_authoritys_algorithm_has_to_be_listed),
        cmocka_unit_test(a_wrong_signature_of_the_authority_is_refused),
        cmocka_unit_test(sizes_are_named_by_their_rule),
        cmocka_unit_test(what_no_rule_refuses_names_none),
        cmocka_unit_test(an_open_subject_is_judged_by_other_rules),
        cmocka_unit_test(sizes_are_read_as_they_come),
        cmocka_unit_test(principals_are_whole_names),
        cmocka_unit_test(a_certificate_grants_what_it_names),
        cmocka_unit_test(nothing_named_is_nothing_granted),
        cmocka_unit_test(critical_options_are_understood_or_refused),
        cmocka_unit_test(unknown_extensions_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
