/* session/asuser/revoked.c: RevokedKeys as a plain list, which revokes what it names and is believed as a whole only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/base64.h"
#include "session/asuser/revoked.h"

#include "../modules/hex.h"
#include "krl_vectors.h"

static struct hex key, certificate_blob;
static struct key_subject plain, certified;
static char why[128];

static int prepare(void **state)
{
    key = hex_of(key_ed);
    certificate_blob = hex_of(key_cert);
    plain = (struct key_subject){.blob = hex_span(&key), .plain = hex_span(&key)};
    certified =
        (struct key_subject){.blob = hex_span(&certificate_blob), .plain = hex_span(&key), .certified = true};
    return certificate_parse(hex_span(&certificate_blob), &certified.certificate);
}

/* "type base64 comment" of a vector. */
static const char *line(const char *type, const char *blob)
{
    static char text[4][4096];
    static size_t next;
    struct hex bytes = hex_of(blob);
    uint8_t base64[3000];
    size_t padding = (3 - bytes.size % 3) % 3;
    struct sp_out out = {.data = base64, .capacity = sizeof base64};
    assert_int_equal(base64_encode_bare(hex_span(&bytes), &out), 0);
    char *at = text[next++ % 4];
    snprintf(at, sizeof text[0], "%s %.*s%.*s comment\n", type, (int)out.size, (const char *)base64,
             (int)padding, "==");
    return at;
}

static int check(struct sp_span text, const struct key_subject *subject)
{
    struct revoked revoked = {.present = true, .bytes = (uint8_t *)(uintptr_t)text.data, .size = text.size};
    why[0] = 0;
    int r = revoked_check(&revoked, subject, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    return r;
}

static int check_lines(const struct key_subject *subject, const char *first, const char *second)
{
    char text[9000];
    snprintf(text, sizeof text, "# comment\n\n%s%s", first, second);
    return check(sp_text(text), subject);
}

static void a_listed_key_is_revoked_alone_and_in_its_certificate(void **state)
{
    const char *ours = line("ssh-ed25519", key_ed), *other = line("ssh-ed25519", key_other);
    assert_int_equal(check_lines(&plain, other, ours), REVOKED_E_REVOKED);
    assert_string_equal(why, "revoked by line 4");
    assert_int_equal(check_lines(&plain, ours, other), REVOKED_E_REVOKED);
    assert_int_equal(check_lines(&certified, other, ours), REVOKED_E_REVOKED);
    assert_int_equal(check_lines(&plain, other, ""), 0);
    assert_int_equal(check_lines(&certified, other, ""), 0);
    assert_int_equal(check_lines(&certified, "", ""), 0);
}

static void a_listed_authority_revokes_its_certificates(void **state)
{
    assert_int_equal(check_lines(&certified, line("ssh-ed25519", key_ca), ""), REVOKED_E_REVOKED);
    assert_int_equal(check_lines(&plain, line("ssh-ed25519", key_ca), ""), 0);
}

static void a_listed_certificate_revokes_its_key(void **state)
{
    const char *listed = line("ssh-ed25519-cert-v01@openssh.com", key_cert);
    assert_int_equal(check_lines(&certified, listed, ""), REVOKED_E_REVOKED);
    assert_int_equal(check_lines(&plain, listed, ""), REVOKED_E_REVOKED);
}

static void a_type_that_we_do_not_have_is_no_fault(void **state)
{
    assert_int_equal(check_lines(&plain, "ssh-dss AAAAB3NzaC1kc3MAAAAA x\n", ""), 0);
}

static void one_bad_line_refuses_every_key(void **state)
{
    static const char *const bad[] = {"junk\n",
                                      "ssh-ed25519\n",
                                      "ssh-ed25519 @@@@\n",
                                      "ssh-rsa AAAAC3NzaC1lZDI1NTE5\n",
                                      "command=\"x\" ssh-ed25519 AAAA\n",
                                      "ssh-ed25519 AAAA",
                                      "SSHKRL\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(check_lines(&plain, bad[i], ""), REVOKED_E_MALFORMED);
        assert_int_equal(check_lines(&plain, line("ssh-ed25519", key_ed), bad[i]), REVOKED_E_MALFORMED);
        assert_non_null(strstr(why, "no key is accepted"));
    }
}

static void a_line_that_is_too_long_refuses_every_key(void **state)
{
    static char text[KEY_OPTIONS_TEXT_MAX * 3];
    memset(text, 'A', sizeof text - 1);
    assert_int_equal(check(sp_text(text), &plain), REVOKED_E_MALFORMED);
}

static void a_binary_list_is_recognised(void **state)
{
    struct hex by_id = hex_of(krl_by_id), by_key = hex_of(krl_by_key);
    assert_int_equal(check(hex_span(&by_key), &plain), REVOKED_E_REVOKED);
    assert_string_equal(why, "revoked by key");
    assert_int_equal(check(hex_span(&by_id), &certified), REVOKED_E_REVOKED);
    assert_int_equal(check(hex_span(&by_id), &plain), 0);
    assert_int_equal(check(sp_span_of(by_id.data, by_id.size - 1), &plain), REVOKED_E_MALFORMED);
}

static int file_of(size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int fd = dup(fileno(file));
    fclose(file);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static void a_file_has_a_limit(void **state)
{
    struct revoked revoked = {0};
    int fits = file_of(REVOKED_SIZE_MAX), large = file_of(REVOKED_SIZE_MAX + 1);
    assert_true(revoked_read(large, &revoked) < 0);
    assert_false(revoked.present);
    assert_int_equal(revoked_read(fits, &revoked), 0);
    assert_true(revoked.present && revoked.size == REVOKED_SIZE_MAX);
    revoked_free(&revoked);
    close(fits);
    close(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listed_key_is_revoked_alone_and_in_its_certificate),
        cmocka_unit_test(a_listed_authority_revokes_its_certificates),
        cmocka_unit_test(a_listed_certificate_revokes_its_key),
        cmocka_unit_test(a_type_that_we_do_not_have_is_no_fault),
        cmocka_unit_test(one_bad_line_refuses_every_key),
        cmocka_unit_test(a_line_that_is_too_long_refuses_every_key),
        cmocka_unit_test(a_binary_list_is_recognised),
        cmocka_unit_test(a_file_has_a_limit),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
