/* policy/trust.c: policies signed by the real ssh-keygen, and everything that may be wrong with them. */
#include "workshop.h"

#include <sallyport/wire.h>

#include "base/base64.h"
#include "policy/builtin.h"
#include "policy/sshsig.h"
#include "policy/trust.h"

#define NOW 1800000000 /* 2027-01-15 */

static struct workshop shop;

static int enter(void **state)
{
    workshop_open(&shop);
    workshop_run(
        &shop, "for t in 'ed -t ed25519' 'stranger -t ed25519' 'p256 -t ecdsa -b 256' 'p384 -t ecdsa -b 384'"
               " 'p521 -t ecdsa -b 521' 'rsa -t rsa -b 2048' 'weak -t rsa -b 1024' 'ca -t ed25519'"
               " 'member -t ed25519'; do"
               "  set -- $t; name=$1; shift; ssh-keygen -q -N '' -f $name \"$@\" || exit 1; done");
    return 0;
}

static int leave(void **state)
{
    workshop_close(&shop);
    return 0;
}

/* ---- one attempt ------------------------------------------------------------------------------------------------- */

#define SITE "Name SITE\nSerial 7\nInherit DEFAULT\n"

static struct policy_trust *trust_of(const char *text)
{
    struct policy_trust *trust = NULL;
    struct policy_error error = {{0}};
    assert_int_equal(policy_trust_read("/etc/signers", sp_text(text), &trust, &error), 0);
    return trust;
}

/* "PRINCIPAL OPTIONS KEY": the file of signers with that key alone. */
static struct policy_trust *trust_in(const char *before, const char *key)
{
    char text[4096], name[64];
    snprintf(name, sizeof name, "%s.pub", key);
    struct sp_span public = workshop_read(&shop, name);
    snprintf(text, sizeof text, "%s %.*s", before, (int)public.size, (const char *)public.data);
    span_free(public);
    return trust_of(text);
}

static int verify_span(const struct policy_trust *trust, const char *text, struct sp_span signature,
                       int64_t now, struct policy_signature *who, struct policy_error *error)
{
    char path[] = "/etc/policies/SITE.policy", name[] = "SITE";
    const struct policy_file file = {
        .path = path, .name = name, .text = sp_text(text), .signature = signature};
    *error = (struct policy_error){{0}};
    return policy_trust_verify(trust, &file, now, who, error);
}

static void sign(const char *options, const char *text)
{
    workshop_write(&shop, "policy", text);
    workshop_run(&shop, "rm -f policy.sig; ssh-keygen -Y sign %s policy", options);
}

/* Verifies the text with the signature that sign() made last. */
static int verify_at(const struct policy_trust *trust, const char *text, int64_t now,
                     struct policy_signature *who, struct policy_error *error)
{
    struct sp_span signature = workshop_read(&shop, "policy.sig");
    int r = verify_span(trust, text, signature, now, who, error);
    span_free(signature);
    return r;
}

static void assert_words(const struct policy_error *error, const char *words)
{
    if (!strstr(error->text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, error->text);
}

static void assert_refused_at(struct policy_trust *trust, const char *text, int64_t now, const char *words)
{
    struct policy_signature who = {.line = 77};
    struct policy_error error;
    assert_int_equal(verify_at(trust, text, now, &who, &error), POLICY_E_INVALID);
    assert_words(&error, words);
    assert_words(&error, "/etc/policies/SITE.policy");
    assert_int_equal(who.line, 77); /* untouched */
    policy_trust_free(trust);
}

static void assert_refused(struct policy_trust *trust, const char *text, const char *words)
{
    assert_refused_at(trust, text, NOW, words);
}

static void assert_accepted_at(struct policy_trust *trust, const char *text, int64_t now, const char *signer)
{
    struct policy_signature who = {0};
    struct policy_error error;
    int r = verify_at(trust, text, now, &who, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(r, 0);
    assert_string_equal(who.signer, signer);
    policy_trust_free(trust);
}

/* ---- good ones --------------------------------------------------------------------------------------------------- */

static void a_signed_policy_is_accepted_and_says_by_whom(void **state)
{
    struct policy_trust *trust = trust_in("# the site\nalice@site", "ed");
    struct policy_signature who = {0};
    struct policy_error error;
    sign("-n sallyport-policy -f ed", SITE);
    assert_int_equal(verify_at(trust, SITE, NOW, &who, &error), 0);
    assert_string_equal(who.signer, "alice@site");
    assert_string_equal(who.algorithm, "ssh-ed25519");
    assert_int_equal(who.line, 2);
    assert_int_equal(who.serial, 7);
    assert_string_equal(policy_trust_file(trust), "/etc/signers");
    /* As other tools show the key and the file. */
    workshop_run(&shop, "test \"$(ssh-keygen -lf ed.pub | cut -d' ' -f2)\" = '%s'", who.fingerprint);
    char hex[2 * POLICY_DIGEST_SIZE + 1];
    for (size_t i = 0; i < POLICY_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", who.digest[i]);
    workshop_run(&shop, "test \"$(sha256sum policy | cut -d' ' -f1)\" = %s", hex);
    policy_trust_free(trust);
}

static void every_algorithm_and_hash_is_accepted(void **state)
{
    static const struct {
        const char *key, *options, *algorithm;
    } rows[] = {
        {"ed", "-O hashalg=sha256", "ssh-ed25519"},
        {"ed", "-O hashalg=sha512", "ssh-ed25519"},
        {"p256", "", "ecdsa-sha2-nistp256"},
        {"p384", "", "ecdsa-sha2-nistp384"},
        {"p521", "-O hashalg=sha256", "ecdsa-sha2-nistp521"},
        {"rsa", "", "rsa-sha2-512"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char options[128];
        struct policy_trust *trust = trust_in("alice", rows[i].key);
        struct policy_signature who = {0};
        struct policy_error error;
        snprintf(options, sizeof options, "-n sallyport-policy %s -f %s", rows[i].options, rows[i].key);
        sign(options, SITE);
        assert_int_equal(verify_at(trust, SITE, NOW, &who, &error), 0);
        assert_string_equal(who.algorithm, rows[i].algorithm);
        policy_trust_free(trust);
    }
}

static void one_of_several_lines_is_enough(void **state)
{
    struct sp_span ed = workshop_read(&shop, "ed.pub"), other = workshop_read(&shop, "p256.pub");
    char text[4096];
    snprintf(text, sizeof text, "a namespaces=\"file\" %.*sb valid-before=20200101Z %.*sc %.*sd %.*s",
             (int)ed.size, (const char *)ed.data, (int)ed.size, (const char *)ed.data, (int)other.size,
             (const char *)other.data, (int)ed.size, (const char *)ed.data);
    sign("-n sallyport-policy -f ed", SITE);
    assert_accepted_at(trust_of(text), SITE, NOW, "d");
    span_free(ed);
    span_free(other);
}

/* ---- bad ones ---------------------------------------------------------------------------------------------------- */

static void an_unsigned_policy_is_refused(void **state)
{
    struct policy_trust *trust = trust_in("alice", "ed");
    struct policy_signature who;
    struct policy_error error;
    assert_int_equal(verify_span(trust, SITE, (struct sp_span){0}, NOW, &who, &error), POLICY_E_INVALID);
    assert_words(&error, "/etc/policies/SITE.policy is not signed: expected /etc/policies/SITE.policy.sig");
    policy_trust_free(trust);
}

static void an_altered_policy_is_refused(void **state)
{
    static const char *const keys[] = {"ed", "p256", "p384", "p521", "rsa"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        char options[64];
        snprintf(options, sizeof options, "-n sallyport-policy -f %s", keys[i]);
        sign(options, SITE);
        assert_refused(trust_in("alice", keys[i]), SITE "\n", "one of them was altered");
        assert_refused(trust_in("alice", keys[i]), "Name SITE\nSerial 8\nInherit DEFAULT\n", "was altered");
        assert_refused(trust_in("alice", keys[i]), "", "was altered");
    }
}

static void a_damaged_signature_is_refused(void **state)
{
    struct policy_trust *trust = trust_in("alice", "ed");
    struct policy_signature who;
    struct policy_error error;
    sign("-n sallyport-policy -f ed", SITE);
    struct sp_span whole = workshop_read(&shop, "policy.sig");
    CLEANUP_FREE uint8_t *copy = malloc(whole.size);
    assert_non_null(copy);
    for (size_t size = 1; size + 1 < whole.size; size += 7) {
        assert_int_equal(verify_span(trust, SITE, sp_span_of(whole.data, size), NOW, &who, &error),
                         POLICY_E_INVALID);
        assert_words(&error, "/etc/policies/SITE.policy.sig: ");
    }
    for (size_t at = 0; at + 1 < whole.size; at++) {
        memcpy(copy, whole.data, whole.size);
        copy[at] = copy[at] == 'A' ? 'B' : 'A';
        assert_int_equal(verify_span(trust, SITE, sp_span_of(copy, whole.size), NOW, &who, &error),
                         POLICY_E_INVALID);
    }
    span_free(whole);
    policy_trust_free(trust);
}

static void another_namespace_is_refused(void **state)
{
    sign("-n file -f ed", SITE);
    assert_refused(trust_in("alice", "ed"), SITE, "for the namespace \"file\", not for sallyport-policy");
    sign("-n sallyport-policy2 -f ed", SITE);
    assert_refused(trust_in("alice", "ed"), SITE, "for the namespace \"sallyport-policy2\"");
}

static void a_stranger_is_refused_with_his_fingerprint(void **state)
{
    sign("-n sallyport-policy -f stranger", SITE);
    assert_refused(trust_in("alice", "ed"), SITE, "which /etc/signers does not name");
    assert_refused(trust_in("alice", "ed"), SITE, "it was made by SHA256:");
}

static void a_weak_key_is_refused(void **state)
{
    sign("-n sallyport-policy -f weak", SITE);
    assert_refused(trust_in("alice", "ed"), SITE, "at least 2048 bits");
}

static void a_signer_signs_within_his_time_alone(void **state)
{
    static const char line[] = "alice valid-after=20270110Z,valid-before=20270120Z";
    sign("-n sallyport-policy -f ed", SITE);
    assert_refused_at(trust_in(line, "ed"), SITE, 1799539199, "not valid yet (/etc/signers line 1)");
    assert_accepted_at(trust_in(line, "ed"), SITE, 1799539200, "alice");
    assert_accepted_at(trust_in(line, "ed"), SITE, 1800403200, "alice");
    assert_refused_at(trust_in(line, "ed"), SITE, 1800403201, "has expired (/etc/signers line 1)");
}

static void a_signer_for_other_namespaces_is_refused(void **state)
{
    sign("-n sallyport-policy -f ed", SITE);
    assert_refused(trust_in("alice namespaces=\"file,git\"", "ed"), SITE, "may not sign for the namespace");
    assert_refused(trust_in("alice namespaces=\"*,!sallyport-policy\"", "ed"), SITE, "may not sign for");
    assert_accepted_at(trust_in("alice namespaces=\"file,sallyport-*\"", "ed"), SITE, NOW, "alice");
}

/* What was signed last, in other words: another key or hash algorithm in it (none: as it was), and octets behind it. */
static struct sp_span rewritten(struct sp_span key, const char *hash, const char *behind)
{
    static char text[POLICY_SIGNATURE_MAX];
    static uint8_t room[SSHSIG_BLOB_MAX], fresh[SSHSIG_BLOB_MAX];
    struct sp_out blob = {.data = room, .capacity = sizeof room},
                  out = {.data = fresh, .capacity = sizeof fresh};
    struct sshsig sig;
    const char *why = "";
    struct sp_span whole = workshop_read(&shop, "policy.sig");
    assert_int_equal(sshsig_dearmour(whole, &blob, &why), 0);
    span_free(whole);
    assert_int_equal(sshsig_parse(sp_written(&blob), &sig, &why), 0);
    sp_put_raw(&out, sp_text("SSHSIG"));
    sp_put_u32(&out, 1);
    sp_put_string(&out, key.size ? key : sig.public_key);
    sp_put_string(&out, sig.name_space);
    sp_put_string(&out, sig.reserved);
    sp_put_text(&out, hash ? hash : sig.hash);
    sp_put_string(&out, sig.signature);
    sp_put_raw(&out, sp_text(behind));
    struct sp_out armoured = {.data = (uint8_t *)text, .capacity = sizeof text};
    sp_put_raw(&armoured, sp_text("-----BEGIN SSH SIGNATURE-----\n"));
    assert_int_equal(base64_encode_bare(sp_written(&out), &armoured), 0);
    sp_put_raw(&armoured, sp_text(out.size % 3 == 1 ? "==" : out.size % 3 == 2 ? "=" : ""));
    sp_put_raw(&armoured, sp_text("\n-----END SSH SIGNATURE-----\n"));
    assert_int_equal(sp_put_end(&armoured), 0);
    return sp_written(&armoured);
}

static void assert_span_refused(struct policy_trust *trust, struct sp_span signature, const char *words)
{
    struct policy_signature who;
    struct policy_error error;
    assert_int_equal(verify_span(trust, SITE, signature, NOW, &who, &error), POLICY_E_INVALID);
    assert_words(&error, words);
    policy_trust_free(trust);
}

static void leftover_octets_are_refused(void **state)
{
    struct policy_trust *trust = trust_in("alice", "ed");
    struct policy_signature who;
    struct policy_error error;
    sign("-n sallyport-policy -f ed", SITE);
    assert_int_equal(verify_span(trust, SITE, rewritten((struct sp_span){0}, NULL, ""), NOW, &who, &error),
                     0);
    assert_span_refused(trust, rewritten((struct sp_span){0}, NULL, "x"), "octets are left over");
}

static void another_hash_algorithm_than_the_one_used_is_refused(void **state)
{
    sign("-n sallyport-policy -f ed", SITE);
    assert_span_refused(trust_in("alice", "ed"), rewritten((struct sp_span){0}, "sha256", ""), "was altered");
    assert_span_refused(trust_in("alice", "ed"), rewritten((struct sp_span){0}, "sha1", ""),
                        "neither sha256 nor sha512");
}

/* The octets of a key, out of "TYPE BASE64 comment". */
static struct sp_span key_blob(const char *name, uint8_t room[SP_KEY_BLOB_MAX])
{
    struct sp_out out = {.data = room, .capacity = SP_KEY_BLOB_MAX};
    struct sp_span text = workshop_read(&shop, name);
    const char *at = strchr((const char *)text.data, ' ') + 1;
    assert_int_equal(base64_decode(sp_span_of(at, strcspn(at, " \n")), &out), 0);
    span_free(text);
    return sp_written(&out);
}

/* A stranger writes a trusted key into his signature. */
static void a_key_that_did_not_sign_is_refused(void **state)
{
    uint8_t room[SP_KEY_BLOB_MAX];
    sign("-n sallyport-policy -f stranger", SITE);
    assert_span_refused(trust_in("alice", "ed"), rewritten(key_blob("ed.pub", room), NULL, ""),
                        "was altered");
    assert_span_refused(trust_in("alice", "p256"), rewritten(key_blob("p256.pub", room), NULL, ""),
                        "was altered");
    assert_span_refused(trust_in("alice", "rsa"), rewritten(key_blob("rsa.pub", room), NULL, ""),
                        "was altered");
}

static void what_is_no_key_is_refused(void **state)
{
    sign("-n sallyport-policy -f ed", SITE);
    assert_span_refused(trust_in("alice", "ed"), rewritten(sp_text("x"), NULL, ""),
                        "keys of this type cannot sign");
    assert_span_refused(trust_in("alice", "ed"), rewritten(sp_span_of("\0\0\0\13ssh-ed25519", 15), NULL, ""),
                        "the key is malformed");
    assert_span_refused(trust_in("alice", "ed"), rewritten(sp_span_of("\0\0\0\7ssh-dss", 11), NULL, ""),
                        "keys of this type cannot sign");
}

/* ---- what the text says of itself -------------------------------------------------------------------------------- */

static void a_text_has_to_say_its_name_and_serial(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"Serial 7\n", "in a line \"Name SITE\""},
        {"Name SITE\n", "in a line \"Serial NUMBER\""},
        {"Name OTHER\nSerial 7\n",
         "line 1: the signed text is that of policy OTHER, and the file is called SITE"},
        {"Name site\nSerial 7\n", "that of policy site"},
        {"Name SITE\nName SITE\nSerial 7\n", "line 2: Name stands there twice"},
        {"Name SITE\nSerial 7\nserial 8\n", "line 3: serial stands there twice"},
        {"Name SITE x\nSerial 7\n", "line 1: Name: expected one argument"},
        {"Name SITE\nSerial\n", "line 2: Serial: expected one argument"},
        {"Name SITE\nSerial 0\n", "line 2: Serial: expected a number from 1 on"},
        {"Name SITE\nSerial -1\n", "expected a number"},
        {"Name SITE\nSerial 7x\n", "expected a number"},
        {"Name SITE\nSerial 18446744073709551616\n", "expected a number"},
        {"# Name SITE\nSerial 7\n", "in a line \"Name SITE\""},
        {"Name \"SITE\nSerial 7\n", "line 1: "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        sign("-n sallyport-policy -f ed", rows[i].text);
        assert_refused(trust_in("alice", "ed"), rows[i].text, rows[i].words);
    }
}

static void the_largest_serial_is_accepted(void **state)
{
    static const char text[] = "serial 18446744073709551615\nNAME \"SITE\" # this one\n";
    struct policy_trust *trust = trust_in("alice", "ed");
    struct policy_signature who = {0};
    struct policy_error error;
    sign("-n sallyport-policy -f ed", text);
    assert_int_equal(verify_at(trust, text, NOW, &who, &error), 0);
    assert_true(who.serial == UINT64_MAX);
    policy_trust_free(trust);
}

/* The engine looks at it too, so that an unsigned file is not called otherwise than it says either. */
static void a_file_is_loaded_under_its_name_alone(void **state)
{
    static const struct {
        const char *path, *spec;
        int result;
    } rows[] = {{"/p/SITE.policy", "SITE", 0}, {"/p/OTHER.policy", "OTHER", POLICY_E_INVALID}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct policy_files *files = NULL;
        struct policy *policy = NULL;
        struct policy_error error = {{0}};
        assert_int_equal(policy_files_new(&files), 0);
        assert_int_equal(policy_files_add(files, rows[i].path, sp_text(SITE), (struct sp_span){0}, &error),
                         0);
        assert_int_equal(policy_load(files, rows[i].spec, NOW, &policy, &error), rows[i].result);
        if (rows[i].result)
            assert_string_equal(error.text,
                                "/p/OTHER.policy line 1: Name: expected \"OTHER\", as the file is "
                                "called, got \"SITE\"");
        policy_free(policy);
        policy_files_free(files);
    }
}

static void the_programs_own_policy_is_known_by_its_text(void **state)
{
    struct policy_file file = {
        .name = builtin_default.name, .path = builtin_default.name, .text = builtin_default.text};
    assert_true(policy_trust_is_own(&file));
    file.text.size--;
    assert_false(policy_trust_is_own(&file));
    char other[] = "SITE";
    file = (struct policy_file){.name = other, .path = other, .text = builtin_default.text};
    assert_false(policy_trust_is_own(&file));
}

static void a_generated_policy_cannot_be_signed(void **state)
{
    struct policy_trust *trust = trust_in("alice", "ed");
    struct policy_signature who;
    struct policy_error error = {{0}};
    char path[] = "/etc/crypto-policies/back-ends/opensshserver.config";
    sign("-n sallyport-policy -f ed", SITE);
    struct sp_span signature = workshop_read(&shop, "policy.sig");
    const struct policy_file file = {
        .path = path, .name = path, .text = sp_text(SITE), .signature = signature};
    assert_int_equal(policy_trust_verify(trust, &file, NOW, &who, &error), POLICY_E_INVALID);
    assert_words(&error, "opensshserver.config: what a distribution generates");
    span_free(signature);
    policy_trust_free(trust);
}

/* ---- certificates ------------------------------------------------------------------------------------------------ */

static void certify(const char *authority, const char *options)
{
    workshop_run(&shop, "rm -f member-cert.pub; ssh-keygen -q -s %s -I id %s member.pub", authority, options);
    workshop_write(&shop, "policy", SITE);
    workshop_run(&shop, "rm -f policy.sig; ssh-agent sh -c 'ssh-add -q member &&"
                        " ssh-keygen -Y sign -n sallyport-policy -f member-cert.pub policy'");
}

static void a_certified_signer_is_accepted_by_his_principal(void **state)
{
    certify("ca", "-n bob@site,alice@site");
    assert_accepted_at(trust_in("alice@* cert-authority", "ca"), SITE, NOW, "alice@site");
    certify("p384", "-n alice@site -V 20270110000000Z:20270120000000Z");
    assert_accepted_at(trust_in("* cert-authority,namespaces=\"sallyport-policy\"", "p384"), SITE, NOW,
                       "alice@site");
}

static void a_certificate_that_is_not_good_is_refused(void **state)
{
    static const struct {
        const char *options, *words;
    } rows[] = {
        {"-n alice@other", "none of its certificate's principals"},
        {"", "none of its certificate's principals"},
        {"-h -n alice@site", "certificate is one of a host"},
        {"-n alice@site -O force-command=ls", "critical option force-command"},
        {"-n alice@site -V 20270120000000Z:20270130000000Z", "certificate is not valid yet"},
        {"-n alice@site -V 20270101000000Z:20270110000000Z", "certificate has expired"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        certify("ca", rows[i].options);
        assert_refused(trust_in("*@site cert-authority", "ca"), SITE, rows[i].words);
    }
}

static void a_key_and_an_authority_are_not_each_other(void **state)
{
    certify("ca", "-n alice@site");
    assert_refused(trust_in("*@site", "ca"), SITE, "the signer of its certificate is no cert-authority");
    assert_refused(trust_in("*@site cert-authority", "ed"), SITE,
                   "it was made with a certificate of SHA256:");
    assert_refused(trust_in("*@site", "member"), SITE, "which /etc/signers does not name");
    assert_refused(trust_in("*@site cert-authority,valid-before=20200101Z", "ca"), SITE,
                   "its signer has expired");
    sign("-n sallyport-policy -f ca", SITE);
    assert_refused(trust_in("*@site cert-authority", "ca"), SITE,
                   "an authority's, which signs certificates alone");
}

/* A certificate whose own signature is not the authority's: its last octet is changed. */
static void a_forged_certificate_is_refused(void **state)
{
    uint8_t room[SP_KEY_BLOB_MAX];
    certify("ca", "-n alice@site");
    struct sp_span blob = key_blob("member-cert.pub", room);
    room[blob.size - 1] ^= 1;
    assert_span_refused(trust_in("*@site cert-authority", "ca"), rewritten(blob, NULL, ""),
                        "the authority's signature on its certificate is no good");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_policy_is_accepted_and_says_by_whom),
        cmocka_unit_test(every_algorithm_and_hash_is_accepted),
        cmocka_unit_test(one_of_several_lines_is_enough),
        cmocka_unit_test(an_unsigned_policy_is_refused),
        cmocka_unit_test(an_altered_policy_is_refused),
        cmocka_unit_test(a_damaged_signature_is_refused),
        cmocka_unit_test(another_namespace_is_refused),
        cmocka_unit_test(a_stranger_is_refused_with_his_fingerprint),
        cmocka_unit_test(a_weak_key_is_refused),
        cmocka_unit_test(a_signer_signs_within_his_time_alone),
        cmocka_unit_test(a_signer_for_other_namespaces_is_refused),
        cmocka_unit_test(leftover_octets_are_refused),
        cmocka_unit_test(another_hash_algorithm_than_the_one_used_is_refused),
        cmocka_unit_test(a_key_that_did_not_sign_is_refused),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(a_text_has_to_say_its_name_and_serial),
        cmocka_unit_test(the_largest_serial_is_accepted),
        cmocka_unit_test(a_file_is_loaded_under_its_name_alone),
        cmocka_unit_test(the_programs_own_policy_is_known_by_its_text),
        cmocka_unit_test(a_generated_policy_cannot_be_signed),
        cmocka_unit_test(a_certified_signer_is_accepted_by_his_principal),
        cmocka_unit_test(a_certificate_that_is_not_good_is_refused),
        cmocka_unit_test(a_key_and_an_authority_are_not_each_other),
        cmocka_unit_test(a_forged_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
