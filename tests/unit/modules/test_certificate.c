/* Certificates: what ssh-keygen made is read and verified, anything else is malformed or says nothing good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/certificate.h>
#include <sallyport/registry.h>

#include "certificate_vectors.h"
#include "hex.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
    const char *algorithm, *certificate, *plain, *signature_algorithm;
} vectors[] = {
    {"ssh-ed25519-cert-v01@openssh.com", cert_ed, plain_ed, "ssh-ed25519"},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", cert_p256, plain_p256, "ecdsa-sha2-nistp256"},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", cert_p384, plain_p384, "ecdsa-sha2-nistp384"},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", cert_p521, plain_p521, "ecdsa-sha2-nistp521"},
    {"rsa-sha2-512-cert-v01@openssh.com", cert_rsa, plain_rsa, "rsa-sha2-512"},
    {"sk-ssh-ed25519-cert-v01@openssh.com", cert_sked, plain_sked, "sk-ssh-ed25519@openssh.com"},
    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", cert_skec, plain_skec,
     "sk-ecdsa-sha2-nistp256@openssh.com"},
    {"rsa-sha2-256-cert-v01@openssh.com", cert_rsa, plain_rsa, "rsa-sha2-256"},
    {"webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", cert_skec, plain_skec,
     "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"},
};

/* A certificate made here, of any content. */
struct made {
    uint8_t bytes[32768];
    struct sp_out out;
};

struct parts {
    struct sp_span principals, critical, extensions, ca_key, nonce, signature;
    uint32_t type;
};

static struct sp_span make(struct made *made, const struct parts *parts)
{
    made->out = (struct sp_out){.data = made->bytes, .capacity = sizeof made->bytes};
    struct sp_out *out = &made->out;
    struct hex key = hex_of(plain_ed);
    sp_put_text(out, "ssh-ed25519-cert-v01@openssh.com");
    sp_put_string(out, parts->nonce);
    sp_put_string(out, sp_span_of(key.data + key.size - 32, 32));
    sp_put_u64(out, 1);
    sp_put_u32(out, parts->type ? parts->type : SP_CERTIFICATE_USER);
    sp_put_text(out, "id");
    sp_put_string(out, parts->principals);
    sp_put_u64(out, 0);
    sp_put_u64(out, SP_CERTIFICATE_FOREVER);
    sp_put_string(out, parts->critical);
    sp_put_string(out, parts->extensions);
    sp_put_text(out, "");
    sp_put_string(out, parts->ca_key.size ? parts->ca_key : hex_span(&key));
    sp_put_string(out, parts->signature);
    assert_int_equal(sp_put_end(out), 0);
    return sp_written(out);
}

static int parse(const struct parts *parts)
{
    static struct made made;
    struct sp_certificate certificate;
    return certificate_parse(make(&made, parts), &certificate);
}

static void every_field_is_what_was_asked_for(void **state)
{
    for (size_t i = 0; i < COUNT(vectors) - 2; i++) {
        struct hex blob = hex_of(vectors[i].certificate), ca = hex_of(ca_key);
        struct sp_certificate c;
        struct sp_span name, data, text;
        char id[16];
        assert_int_equal(certificate_parse(hex_span(&blob), &c), 0);
        assert_int_equal(c.serial, i + 1);
        assert_int_equal(c.type, SP_CERTIFICATE_USER);
        assert_int_equal(c.valid_after, 1577836800);
        assert_int_equal(c.valid_before, 2208988800);
        static const char *const ids[] = {"ed", "p256", "p384", "p521", "rsa", "sked", "skec"};
        snprintf(id, sizeof id, "id of %s", ids[i]);
        assert_true(sp_span_is(c.key_id, id));
        assert_true(certificate_next_principal(&c.principals, &name) && sp_span_is(name, "alice"));
        assert_true(certificate_next_principal(&c.principals, &name) && sp_span_is(name, "bob"));
        assert_false(certificate_next_principal(&c.principals, &name));
        assert_true(certificate_next_option(&c.critical_options, &name, &data));
        assert_true(sp_span_is(name, "force-command"));
        assert_int_equal(certificate_option_text(data, &text), 0);
        assert_true(sp_span_is(text, "echo hi"));
        assert_true(certificate_next_option(&c.critical_options, &name, &data));
        assert_true(sp_span_is(name, "source-address"));
        assert_int_equal(certificate_option_text(data, &text), 0);
        assert_true(sp_span_is(text, "192.0.2.0/24,2001:db8::/32"));
        assert_false(certificate_next_option(&c.critical_options, &name, &data));
        size_t extensions = 0;
        while (certificate_next_option(&c.extensions, &name, &data)) {
            assert_false(sp_span_is(name, "permit-pty"));
            assert_int_equal(data.size, 0);
            extensions++;
        }
        assert_int_equal(extensions, 4);
        assert_true(sp_span_equal(c.ca_key, hex_span(&ca)));
    }
}

static void the_key_inside_is_the_plain_key(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].certificate), plain = hex_of(vectors[i].plain);
        const struct sp_keytype_ops *keytype = keytype_find(sp_text(vectors[i].algorithm));
        struct sp_certificate c;
        uint8_t bytes[SP_KEY_BLOB_MAX];
        struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
        unsigned certified_bits = 0, plain_bits = 0;
        assert_int_equal(certificate_parse(hex_span(&blob), &c), 0);
        assert_int_equal(certificate_put_key(&c, &out), 0);
        assert_true(sp_span_equal(sp_written(&out), hex_span(&plain)));
        assert_int_equal(keytype->inspect(hex_span(&blob), &certified_bits), 0);
        assert_int_equal(keytype->plain->inspect(hex_span(&plain), &plain_bits), 0);
        assert_int_equal(certified_bits, plain_bits);
        assert_string_equal(keytype->plain->head.name, vectors[i].signature_algorithm);
    }
}

static void a_plain_key_is_no_certificate_nor_the_other_way_round(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].certificate), plain = hex_of(vectors[i].plain);
        const struct sp_keytype_ops *keytype = keytype_find(sp_text(vectors[i].algorithm));
        struct sp_certificate c;
        unsigned bits = 0;
        assert_int_equal(certificate_parse(hex_span(&plain), &c), SP_E_MALFORMED);
        assert_int_equal(keytype->inspect(hex_span(&plain), &bits), SP_E_MALFORMED);
        assert_int_equal(keytype->plain->inspect(hex_span(&blob), &bits), SP_E_MALFORMED);
        for (size_t other = 0; other < COUNT(vectors); other++)
            if (vectors[other].certificate !=
                vectors[i].certificate) /* two algorithms over one blob are fine */
                assert_int_equal(
                    keytype_find(sp_text(vectors[other].algorithm))->inspect(hex_span(&blob), &bits),
                    SP_E_MALFORMED);
    }
}

static void the_authority_has_signed(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].certificate);
        struct sp_certificate c;
        assert_int_equal(certificate_parse(hex_span(&blob), &c), 0);
        assert_string_equal(certificate_algorithm(&c)->head.name, "ssh-ed25519");
        assert_int_equal(certificate_verify(&c), SP_VERDICT_GOOD);
    }
}

static void an_rsa_authority_signs_with_sha2(void **state)
{
    struct hex blob = hex_of(cert_host_by_rsa), ca = hex_of(ca_rsa);
    struct sp_certificate c;
    struct sp_span name;
    assert_int_equal(certificate_parse(hex_span(&blob), &c), 0);
    assert_int_equal(c.type, SP_CERTIFICATE_HOST);
    assert_true(certificate_next_principal(&c.principals, &name) && sp_span_is(name, "example.org"));
    assert_true(sp_span_equal(c.ca_key, hex_span(&ca)));
    assert_string_equal(certificate_algorithm(&c)->head.name, "rsa-sha2-512");
    assert_int_equal(certificate_verify(&c), SP_VERDICT_GOOD);
}

static void nobody_and_for_ever_are_legal(void **state)
{
    struct hex blob = hex_of(cert_plainest);
    struct sp_certificate c;
    struct sp_span name;
    assert_int_equal(certificate_parse(hex_span(&blob), &c), 0);
    assert_false(certificate_next_principal(&c.principals, &name));
    assert_int_equal(c.key_id.size, 0);
    assert_int_equal(c.valid_after, 0);
    assert_true(c.valid_before == SP_CERTIFICATE_FOREVER);
}

static void every_flipped_bit_breaks_form_or_signature(void **state)
{
    struct hex good = hex_of(cert_ed);
    for (size_t bit = 0; bit < good.size * 8; bit++) {
        struct hex bad = good;
        struct sp_certificate c;
        bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (certificate_parse(hex_span(&bad), &c) == 0)
            assert_int_equal(certificate_verify(&c), SP_VERDICT_BAD);
    }
}

static void every_truncation_and_a_trailing_byte_are_malformed(void **state)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].certificate);
        for (size_t size = 0; size <= blob.size + 1; size++) {
            struct sp_certificate c;
            if (size != blob.size)
                assert_int_equal(certificate_parse(sp_span_of(blob.data, size), &c), SP_E_MALFORMED);
        }
    }
}

static void an_authority_that_is_a_certificate_is_malformed(void **state)
{
    struct hex blob = hex_of(cert_ed);
    assert_int_equal(parse(&(struct parts){.ca_key = hex_span(&blob)}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.ca_key = sp_span_of("\0\0\0\0", 4)}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){0}), 0);
}

static void other_types_than_user_and_host_are_malformed(void **state)
{
    assert_int_equal(parse(&(struct parts){.type = SP_CERTIFICATE_HOST}), 0);
    assert_int_equal(parse(&(struct parts){.type = 3}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.type = UINT32_MAX}), SP_E_MALFORMED);
}

static struct sp_span repeated(struct made *made, size_t count, const char *item, bool options, bool numbered)
{
    made->out = (struct sp_out){.data = made->bytes, .capacity = sizeof made->bytes};
    for (size_t i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, numbered ? "%s%zu" : "%s", item, i);
        sp_put_text(&made->out, text);
        if (options)
            sp_put_text(&made->out, "");
    }
    return sp_written(&made->out);
}

static void lists_have_limits(void **state)
{
    static struct made list;
    const struct {
        size_t most;
        bool options;
    } rows[] = {{SP_CERTIFICATE_PRINCIPALS_MAX, false}, {SP_CERTIFICATE_OPTIONS_MAX, true}};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t more = 0; more < 2; more++) {
            struct sp_span items = repeated(&list, rows[i].most + more, "n", rows[i].options, true);
            struct parts parts = {0};
            *(rows[i].options ? &parts.critical : &parts.principals) = items;
            assert_int_equal(parse(&parts), more ? SP_E_MALFORMED : 0);
            if (rows[i].options)
                assert_int_equal(parse(&(struct parts){.extensions = items}), more ? SP_E_MALFORMED : 0);
        }
    assert_int_equal(parse(&(struct parts){.principals = repeated(&list, 1, "", false, false)}),
                     SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.critical = repeated(&list, 2, "twice", true, false)}),
                     SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.extensions = repeated(&list, 2, "twice", true, false)}),
                     SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.critical = repeated(&list, 1, "", true, false)}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.principals = sp_text("abc")}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.critical = repeated(&list, 1, "half", false, false)}),
                     SP_E_MALFORMED);
}

static void sizes_have_limits(void **state)
{
    static uint8_t zeros[2 * SP_CERTIFICATE_MAX];
    assert_int_equal(parse(&(struct parts){.nonce = sp_span_of(zeros, SP_KEY_BLOB_MAX)}), 0);
    assert_int_equal(parse(&(struct parts){.nonce = sp_span_of(zeros, SP_KEY_BLOB_MAX + 1)}), SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.nonce = sp_span_of(zeros, SP_KEY_BLOB_MAX),
                                           .signature = sp_span_of(zeros, SP_SIGNATURE_MAX)}),
                     SP_E_MALFORMED);
    assert_int_equal(parse(&(struct parts){.signature = sp_span_of(zeros, SP_SIGNATURE_MAX + 1)}),
                     SP_E_MALFORMED);
}

/* The name in the signature has to be an algorithm of the authority's key, and a plain one. */
static void a_signature_of_another_type_names_no_algorithm(void **state)
{
    static const char *const names[] = {"ssh-rsa", "rsa-sha2-512", "ssh-ed25519-cert-v01@openssh.com", "",
                                        "none"};
    static struct made made;
    for (size_t i = 0; i < COUNT(names); i++) {
        uint8_t bytes[128];
        struct sp_certificate c;
        struct sp_out signature = {.data = bytes, .capacity = sizeof bytes};
        sp_put_text(&signature, names[i]);
        sp_put_text(&signature, "x");
        assert_int_equal(
            certificate_parse(make(&made, &(struct parts){.signature = sp_written(&signature)}), &c), 0);
        assert_null(certificate_algorithm(&c));
        assert_int_equal(certificate_verify(&c), SP_VERDICT_BAD);
    }
}

static void option_text_is_one_string(void **state)
{
    struct sp_span text = sp_text("untouched");
    assert_int_equal(certificate_option_text(sp_span_of("\0\0\0\1x", 5), &text), 0);
    assert_true(sp_span_is(text, "x"));
    assert_int_equal(certificate_option_text(sp_span_of("\0\0\0\1xy", 6), &text), SP_E_MALFORMED);
    assert_int_equal(certificate_option_text(sp_span_of("\0\0\0\1", 4), &text), SP_E_MALFORMED);
    assert_int_equal(certificate_option_text(sp_span_of("\0\0\0\1\0", 5), &text), SP_E_MALFORMED);
    assert_int_equal(certificate_option_text(sp_span_of("", 0), &text), SP_E_MALFORMED);
    assert_true(sp_span_is(text, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_what_was_asked_for),
        cmocka_unit_test(the_key_inside_is_the_plain_key),
        cmocka_unit_test(a_plain_key_is_no_certificate_nor_the_other_way_round),
        cmocka_unit_test(the_authority_has_signed),
        cmocka_unit_test(an_rsa_authority_signs_with_sha2),
        cmocka_unit_test(nobody_and_for_ever_are_legal),
        cmocka_unit_test(every_flipped_bit_breaks_form_or_signature),
        cmocka_unit_test(every_truncation_and_a_trailing_byte_are_malformed),
        cmocka_unit_test(an_authority_that_is_a_certificate_is_malformed),
        cmocka_unit_test(other_types_than_user_and_host_are_malformed),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(a_signature_of_another_type_names_no_algorithm),
        cmocka_unit_test(option_text_is_one_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
