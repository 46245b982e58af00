/* session/asuser/krl.c: what ssh-keygen -k put into a list is found, nothing else is, and no half of a list counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "session/asuser/krl.h"

#include "../modules/hex.h"
#include "krl_vectors.h"

static struct hex key, ca, certificate_blob;
static struct sp_certificate certificate;
static struct krl_query plain_query, query; /* of the plain key, and of its certificate */
static const char *how;

static int prepare(void **state)
{
    key = hex_of(key_ed);
    ca = hex_of(key_ca);
    certificate_blob = hex_of(key_cert);
    return certificate_parse(hex_span(&certificate_blob), &certificate) ||
           krl_key_of(hex_span(&key), &plain_query.key) || krl_key_of(hex_span(&key), &query.key) ||
           krl_key_of(hex_span(&ca), &query.ca) || (query.certificate = &certificate, 0);
}

static int check(const char *list, const struct krl_query *asked)
{
    struct hex bytes = hex_of(list);
    how = NULL;
    assert_true(krl_is_one(hex_span(&bytes)));
    int r = krl_check(hex_span(&bytes), asked, &how);
    assert_int_equal(r == KRL_E_REVOKED, how != NULL);
    return r;
}

static void lists_of_others_revoke_nothing(void **state)
{
    static const char *const lists[] = {krl_empty, krl_by_other_key, krl_bitmap_without, krl_by_other_id,
                                        krl_by_serial_of_other_ca};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_int_equal(check(lists[i], &query), 0);
        assert_int_equal(check(lists[i], &plain_query), 0);
    }
}

static void a_key_is_revoked_alone_and_in_its_certificate(void **state)
{
    static const struct {
        const char *list, *how;
    } rows[] = {{krl_by_key, "key"}, {krl_by_sha1, "fingerprint"}, {krl_by_sha256, "fingerprint"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(check(rows[i].list, &plain_query), KRL_E_REVOKED);
        assert_string_equal(how, rows[i].how);
        assert_int_equal(check(rows[i].list, &query), KRL_E_REVOKED);
        assert_string_equal(how, rows[i].how);
    }
}

static void an_authority_takes_its_certificates_with_it(void **state)
{
    assert_int_equal(check(krl_by_ca_key, &query), KRL_E_REVOKED);
    assert_int_equal(check(krl_by_ca_key, &plain_query), 0);
}

static void a_certificate_is_revoked_and_its_key_is_not(void **state)
{
    static const struct {
        const char *list, *how;
    } rows[] = {{krl_by_serial, "serial number"},
                {krl_by_serial_far, "serial number"},
                {krl_by_range, "serial number"},
                {krl_by_bitmap, "serial number"},
                {krl_by_id, "key id"},
                {krl_by_id_of_any_ca, "key id"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(check(rows[i].list, &query), KRL_E_REVOKED);
        assert_string_equal(how, rows[i].how);
        assert_int_equal(check(rows[i].list, &plain_query), 0);
    }
}

static void serial_zero_is_nobodys_in_particular(void **state)
{
    struct sp_certificate unnumbered = certificate;
    struct krl_query asked = query;
    unnumbered.serial = 0;
    asked.certificate = &unnumbered;
    assert_int_equal(check(krl_by_range, &asked), 0);
    assert_int_equal(check(krl_by_bitmap, &asked), 0);
    unnumbered.serial = 100001;
    assert_int_equal(check(krl_by_range, &asked), 0);
    unnumbered.serial = 100000;
    assert_int_equal(check(krl_by_range, &asked), KRL_E_REVOKED);
    unnumbered.serial = 199;
    assert_int_equal(check(krl_by_bitmap, &asked), KRL_E_REVOKED);
    unnumbered.serial = 198;
    assert_int_equal(check(krl_by_bitmap, &asked), 0);
    unnumbered.serial = 202;
    assert_int_equal(check(krl_by_bitmap, &asked), 0);
    unnumbered.serial = UINT64_MAX;
    assert_int_equal(check(krl_by_bitmap, &asked), 0);
}

/* Sections stand one behind the other, so a list that ends between two of them is a list; within one it is none. */
static void every_other_truncation_is_malformed(void **state)
{
    static const char *const lists[] = {krl_by_key, krl_by_sha256, krl_by_range, krl_by_bitmap, krl_by_id};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct hex bytes = hex_of(lists[i]);
        size_t whole = 0;
        for (size_t size = 0; size < bytes.size; size++)
            whole += krl_check(sp_span_of(bytes.data, size), &query, &how) != KRL_E_MALFORMED;
        assert_true(whole <= 1);
        assert_int_equal(krl_check(sp_span_of(bytes.data, bytes.size + 1), &query, &how), KRL_E_MALFORMED);
    }
}

struct list {
    uint8_t bytes[4096];
    struct sp_out out;
};

static struct sp_out *list_begin(struct list *list, uint32_t version)
{
    list->out = (struct sp_out){.data = list->bytes, .capacity = sizeof list->bytes};
    sp_put_u64(&list->out, 0x5353484b524c0a00u);
    sp_put_u32(&list->out, version);
    for (size_t i = 0; i < 3; i++)
        sp_put_u64(&list->out, 0);
    sp_put_text(&list->out, "reserved");
    sp_put_text(&list->out, "comment");
    return &list->out;
}

/* A list of one section of that type. */
static int check_section(uint8_t type, struct sp_span data)
{
    struct list list;
    struct sp_out *out = list_begin(&list, 1);
    sp_put_u8(out, type);
    sp_put_string(out, data);
    return krl_check(sp_written(out), &query, &how);
}

/* The same within a section of certificates of every authority. */
static int check_certificates(uint8_t type, struct sp_span data)
{
    uint8_t bytes[2048];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&out, "");
    sp_put_text(&out, "");
    sp_put_u8(&out, type);
    sp_put_string(&out, data);
    return check_section(1, sp_written(&out));
}

static void versions_and_sections_of_the_future_are_malformed(void **state)
{
    struct list list;
    assert_int_equal(krl_check(sp_written(list_begin(&list, 1)), &query, &how), 0);
    assert_int_equal(krl_check(sp_written(list_begin(&list, 2)), &query, &how), KRL_E_MALFORMED);
    assert_int_equal(check_section(6, (struct sp_span){0}), KRL_E_MALFORMED);
    assert_int_equal(check_section(0, (struct sp_span){0}), KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x24, (struct sp_span){0}), KRL_E_MALFORMED);
}

static struct sp_span extension(bool critical)
{
    static uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&out, "later@example.org");
    sp_put_bool(&out, critical);
    sp_put_text(&out, "contents");
    return sp_written(&out);
}

static void critical_extensions_are_not_passed_over(void **state)
{
    assert_int_equal(check_section(255, extension(false)), 0);
    assert_int_equal(check_section(255, extension(true)), KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x39, extension(false)), 0);
    assert_int_equal(check_certificates(0x39, extension(true)), KRL_E_MALFORMED);
}

static void numbers_that_make_no_sense_are_malformed(void **state)
{
    assert_int_equal(check_certificates(0x20, sp_span_of("\0\0\0\0\0\0\0\1", 8)), KRL_E_REVOKED);
    assert_int_equal(check_certificates(0x20, sp_span_of("\0\0\0\0\0\0\0\0", 8)), KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x20, sp_span_of("\0\0\0\0\0\0\0", 7)), KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x21, sp_span_of("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 16)),
                     KRL_E_REVOKED);
    assert_int_equal(check_certificates(0x21, sp_span_of("\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1", 16)),
                     KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x21, sp_span_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16)),
                     KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x22, sp_span_of("\0\0\0\0\0\0\0\1\0\0\0\1\1", 13)), KRL_E_REVOKED);
    assert_int_equal(check_certificates(0x22, sp_span_of("\0\0\0\0\0\0\0\0\0\0\0\1\1", 13)), KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x22, sp_span_of("\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1\1", 13)),
                     KRL_E_MALFORMED);
    assert_int_equal(check_certificates(0x22, sp_span_of("\0\0\0\0\0\0\0\1\0\0\0\1\x81", 13)),
                     KRL_E_MALFORMED);
    assert_int_equal(check_section(3, sp_span_of("\0\0\0\1x", 5)), KRL_E_MALFORMED);
    assert_int_equal(check_section(5, sp_span_of("\0\0\0\0", 4)), KRL_E_MALFORMED);
}

static void a_find_does_not_excuse_what_follows(void **state)
{
    struct list list;
    struct hex good = hex_of(krl_by_key);
    list.out = (struct sp_out){.data = list.bytes, .capacity = sizeof list.bytes};
    sp_put_raw(&list.out, hex_span(&good));
    sp_put_u8(&list.out, 6);
    sp_put_text(&list.out, "");
    assert_int_equal(krl_check(sp_written(&list.out), &query, &how), KRL_E_MALFORMED);
}

static void signatures_stand_last(void **state)
{
    struct list list;
    struct hex good = hex_of(krl_by_key);
    list.out = (struct sp_out){.data = list.bytes, .capacity = sizeof list.bytes};
    sp_put_raw(&list.out, hex_span(&good));
    sp_put_u8(&list.out, 4);
    sp_put_text(&list.out, "key");
    sp_put_text(&list.out, "signature");
    assert_int_equal(krl_check(sp_written(&list.out), &query, &how), KRL_E_REVOKED);
    sp_put_u8(&list.out, 2);
    sp_put_text(&list.out, "");
    assert_int_equal(krl_check(sp_written(&list.out), &query, &how), KRL_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_others_revoke_nothing),
        cmocka_unit_test(a_key_is_revoked_alone_and_in_its_certificate),
        cmocka_unit_test(an_authority_takes_its_certificates_with_it),
        cmocka_unit_test(a_certificate_is_revoked_and_its_key_is_not),
        cmocka_unit_test(serial_zero_is_nobodys_in_particular),
        cmocka_unit_test(every_other_truncation_is_malformed),
        cmocka_unit_test(versions_and_sections_of_the_future_are_malformed),
        cmocka_unit_test(critical_extensions_are_not_passed_over),
        cmocka_unit_test(numbers_that_make_no_sense_are_malformed),
        cmocka_unit_test(a_find_does_not_excuse_what_follows),
        cmocka_unit_test(signatures_stand_last),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
