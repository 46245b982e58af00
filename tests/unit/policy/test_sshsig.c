/* policy/sshsig.c: signatures of the real ssh-keygen, and what becomes of them when they are tampered with. */
#include "workshop.h"

#include <sallyport/wire.h>

#include "base/base64.h"
#include "policy/sshsig.h"

static struct workshop shop;
static struct sp_span armoured; /* a good one */
static uint8_t good_room[SSHSIG_BLOB_MAX];
static struct sp_span good; /* the same without its armour */

static int enter(void **state)
{
    const char *why = "";
    struct sp_out out = {.data = good_room, .capacity = sizeof good_room};
    workshop_open(&shop);
    workshop_write(&shop, "text", "some text\n");
    workshop_run(&shop, "ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -Y sign -n here -f key text");
    armoured = workshop_read(&shop, "text.sig");
    assert_int_equal(sshsig_dearmour(armoured, &out, &why), 0);
    good = sp_written(&out);
    return 0;
}

static int leave(void **state)
{
    span_free(armoured);
    workshop_close(&shop);
    return 0;
}

static int dearmour(const char *text, size_t size, const char **why)
{
    uint8_t room[SSHSIG_BLOB_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    *why = "";
    return sshsig_dearmour(sp_span_of(text, size), &out, why);
}

static void a_real_signature_is_read(void **state)
{
    struct sshsig sig;
    const char *why = "";
    assert_int_equal(sshsig_parse(good, &sig, &why), 0);
    assert_true(sp_span_is(sig.name_space, "here"));
    assert_int_equal(sig.reserved.size, 0);
    assert_string_equal(sig.hash, "sha512");
    struct sp_in key = sp_in_of(sig.public_key);
    assert_true(sp_span_is(sp_get_text(&key, 64), "ssh-ed25519"));
    struct sp_in signature = sp_in_of(sig.signature);
    assert_true(sp_span_is(sp_get_text(&signature, 64), "ssh-ed25519"));
}

static void every_truncation_is_refused(void **state)
{
    struct sshsig sig;
    const char *why;
    for (size_t size = 0; size + 1 < armoured.size; size++) /* the newline at its end may be missing */
        assert_int_equal(dearmour((const char *)armoured.data, size, &why), SP_E_MALFORMED);
    assert_int_equal(dearmour((const char *)armoured.data, armoured.size - 1, &why), 0);
    for (size_t size = 0; size < good.size; size++)
        assert_int_equal(sshsig_parse(sp_span_of(good.data, size), &sig, &why), SP_E_MALFORMED);
}

static void damaged_armour_is_refused_with_words(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "does not begin"},
        {"\n-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", "does not begin"},
        {"-----BEGIN SSH SIGNATURE-----\r\nAAAA\r\n-----END SSH SIGNATURE-----\n", "does not begin"},
        {"-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n", "does not begin"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n", "cut off"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA-----END SSH SIGNATURE-----", "cut off"},
        {"-----BEGIN SSH SIGNATURE-----\nAAA\n-----END SSH SIGNATURE-----\n", "base64"},
        {"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", "base64"},
        {"-----BEGIN SSH SIGNATURE-----\nAA=A\n-----END SSH SIGNATURE-----\n", "base64"},
        {"-----BEGIN SSH SIGNATURE-----\nA AA\n-----END SSH SIGNATURE-----\n", "base64"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n\n-----END SSH SIGNATURE-----\n", "empty line"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n\n", "follows"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\nx", "follows"},
        {"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----x", "follows"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *why;
        assert_int_equal(dearmour(rows[i].text, strlen(rows[i].text), &why), SP_E_MALFORMED);
        assert_non_null(strstr(why, rows[i].why));
    }
}

static void lines_of_any_length_are_one_text(void **state)
{
    const char *why;
    static const char text[] = "-----BEGIN SSH SIGNATURE-----\nA\nAA\nA\n-----END SSH SIGNATURE-----";
    assert_int_equal(dearmour(text, strlen(text), &why), 0);
}

static void a_signature_over_the_limit_is_refused(void **state)
{
    static char text[3 * POLICY_SIGNATURE_MAX];
    static const char begin[] = "-----BEGIN SSH SIGNATURE-----\n", end[] = "\n-----END SSH SIGNATURE-----\n";
    const char *why;
    memcpy(text, begin, strlen(begin));
    memset(text + strlen(begin), 'A', 2 * POLICY_SIGNATURE_MAX);
    memcpy(text + strlen(begin) + 2 * POLICY_SIGNATURE_MAX, end, sizeof end);
    assert_int_equal(dearmour(text, strlen(text), &why), SP_E_MALFORMED);
    assert_string_equal(why, "it is too long");
}

/* A signature of these fields, none of which means anything. */
static struct sp_span build(uint8_t *room, size_t size, const char *magic, uint32_t version,
                            const char *name_space, const char *hash, const char *left_over)
{
    struct sp_out out = {.data = room, .capacity = size};
    sp_put_raw(&out, sp_text(magic));
    sp_put_u32(&out, version);
    sp_put_text(&out, "key");
    sp_put_text(&out, name_space);
    sp_put_text(&out, "");
    sp_put_text(&out, hash);
    sp_put_text(&out, "signature");
    sp_put_raw(&out, sp_text(left_over));
    assert_int_equal(sp_put_end(&out), 0);
    return sp_written(&out);
}

static void wrong_fields_are_refused_with_words(void **state)
{
    static const struct {
        const char *magic;
        uint32_t version;
        const char *name_space, *hash, *left_over, *why;
    } rows[] = {
        {"SSHSIG", 1, "n", "sha256", "", NULL},
        {"SSHSIG", 1, "n", "sha512", "", NULL},
        {"SSHSIH", 1, "n", "sha512", "", "no SSHSIG"},
        {"SSHSIG", 0, "n", "sha512", "", "version"},
        {"SSHSIG", 2, "n", "sha512", "", "version"},
        {"SSHSIG", 1, "", "sha512", "", "namespace"},
        {"SSHSIG", 1, "n", "sha384", "", "hash"},
        {"SSHSIG", 1, "n", "sha1", "", "hash"},
        {"SSHSIG", 1, "n", "", "", "hash"},
        {"SSHSIG", 1, "n", "sha512", "x", "left over"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t room[256];
        struct sshsig sig = {0};
        const char *why = NULL;
        struct sp_span blob = build(room, sizeof room, rows[i].magic, rows[i].version, rows[i].name_space,
                                    rows[i].hash, rows[i].left_over);
        assert_int_equal(sshsig_parse(blob, &sig, &why), rows[i].why ? SP_E_MALFORMED : 0);
        if (rows[i].why)
            assert_non_null(strstr(why, rows[i].why));
        assert_int_equal(sig.hash != NULL, rows[i].why == NULL); /* untouched when it fails */
    }
}

static void what_is_signed_has_every_field_but_the_key(void **state)
{
    uint8_t room[SSHSIG_SIGNED_MAX], wanted[128];
    const struct sshsig sig = {.name_space = sp_text("n"), .reserved = sp_text("r"), .hash = "sha256"};
    struct sp_out out = {.data = room, .capacity = sizeof room};
    struct sp_out expected = {.data = wanted, .capacity = sizeof wanted};
    sp_put_raw(&expected, sp_span_of("SSHSIG\0\0\0\1n\0\0\0\1r\0\0\0\6sha256\0\0\0\1h", 31));
    assert_int_equal(sshsig_put_signed(&sig, sp_text("h"), &out), 0);
    assert_true(sp_span_equal(sp_written(&out), sp_written(&expected)));
    struct sp_out small = {.data = room, .capacity = 30};
    assert_int_equal(sshsig_put_signed(&sig, sp_text("h"), &small), SP_E_NO_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_signature_is_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(damaged_armour_is_refused_with_words),
        cmocka_unit_test(lines_of_any_length_are_one_text),
        cmocka_unit_test(a_signature_over_the_limit_is_refused),
        cmocka_unit_test(wrong_fields_are_refused_with_words),
        cmocka_unit_test(what_is_signed_has_every_field_but_the_key),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
