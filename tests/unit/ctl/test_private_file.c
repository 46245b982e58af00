/* Private key files, made here field by field, so that each field can be wrong by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/base64.h"
#include "ctl/private_file.h"

/* What a test changes of a good Ed25519 key. */
struct recipe {
    const char *magic, *cipher, *kdf, *kdf_options, *type;
    uint32_t keys, check_more;
    uint8_t point_more; /* added to the public half that stands before the private part */
    uint8_t inner_more; /* to the one behind the seed */
    size_t padding, padding_from, behind;
    size_t comment;
};

static const struct recipe good = {
    .magic = "openssh-key-v1",
    .cipher = "none",
    .kdf = "none",
    .kdf_options = "",
    .type = "ssh-ed25519",
    .keys = 1,
    .padding = SIZE_MAX,
    .padding_from = 1,
};

struct room {
    uint8_t bytes[32768];
    struct sp_out out;
};

static void begin(struct room *room)
{
    room->out = (struct sp_out){.data = room->bytes, .capacity = sizeof room->bytes};
}

static void public_put(struct sp_out *out, uint8_t more)
{
    uint8_t point[32];
    memset(point, 0x22, sizeof point);
    point[0] = (uint8_t)(point[0] + more);
    sp_put_text(out, "ssh-ed25519");
    sp_put_string(out, sp_span_of(point, sizeof point));
}

static void private_put(struct sp_out *out, const struct recipe *r)
{
    static char comment[8192];
    uint8_t both[64], point[32];
    memset(both, 0x11, 32);
    memset(both + 32, 0x22, 32);
    memset(point, 0x22, sizeof point);
    both[32] = (uint8_t)(both[32] + r->inner_more);
    memset(comment, 'c', sizeof comment);
    sp_put_u32(out, 7);
    sp_put_u32(out, 7 + r->check_more);
    sp_put_text(out, r->type);
    sp_put_string(out, sp_span_of(point, sizeof point));
    sp_put_string(out, sp_span_of(both, sizeof both));
    sp_put_string(out, sp_span_of(comment, r->comment));
    size_t padding = r->padding == SIZE_MAX ? (8 - out->size % 8) % 8 : r->padding;
    for (size_t i = 0; i < padding; i++)
        sp_put_u8(out, (uint8_t)(i + r->padding_from));
}

static void blob_put(struct sp_out *out, const struct recipe *r)
{
    static struct room part, public_key;
    begin(&part);
    begin(&public_key);
    private_put(&part.out, r);
    public_put(&public_key.out, r->point_more);
    sp_put_raw(out, sp_span_of(r->magic, strlen(r->magic) + 1));
    sp_put_text(out, r->cipher);
    sp_put_text(out, r->kdf);
    sp_put_text(out, r->kdf_options);
    sp_put_u32(out, r->keys);
    sp_put_string(out, sp_written(&public_key.out));
    sp_put_string(out, sp_written(&part.out));
    for (size_t i = 0; i < r->behind; i++)
        sp_put_u8(out, 0);
}

static int read_text(struct sp_span file, struct sp_private_key *key, const char **why)
{
    static uint8_t room[SP_PRIVATE_KEY_STORE];
    struct sp_out store = {.data = room, .capacity = sizeof room};
    return private_file_read(file, &store, key, why);
}

static int read_recipe(const struct recipe *r, struct sp_private_key *key, const char **why)
{
    static struct room blob, text;
    begin(&blob);
    begin(&text);
    blob_put(&blob.out, r);
    sp_put_raw(&text.out, sp_text("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_int_equal(base64_encode(sp_written(&blob.out), &text.out), 0);
    sp_put_raw(&text.out, sp_text("\n-----END OPENSSH PRIVATE KEY-----\n"));
    return read_text(sp_written(&text.out), key, why);
}

static void refuses(struct recipe r, const char *what)
{
    struct sp_private_key key = {0};
    const char *why = "";
    assert_int_equal(read_recipe(&r, &key, &why), PRIVATE_FILE_E_INVALID);
    assert_string_equal(why, what);
    assert_int_equal(key.kind, 0);
}

static void reads_a_key(void **state)
{
    struct sp_private_key key = {0};
    const char *why = "";
    assert_int_equal(read_recipe(&good, &key, &why), 0);
    assert_int_equal(key.kind, SP_PRIVATE_ED25519);
    assert_int_equal(key.ed25519.seed.size, 32);
    assert_int_equal(key.ed25519.seed.data[0], 0x11);
    assert_int_equal(key.ed25519.point.data[31], 0x22);
    assert_int_equal(key.blob.size, 51);
}

static void says_that_a_file_is_encrypted(void **state)
{
    struct recipe r = good;
    struct sp_private_key key = {0};
    const char *why = "";
    r.cipher = "aes256-ctr";
    r.kdf = "bcrypt";
    assert_int_equal(read_recipe(&r, &key, &why), PRIVATE_FILE_E_ENCRYPTED);
}

#define REFUSES(name_, what_, ...)                                                                           \
    static void name_(void **state)                                                                          \
    {                                                                                                        \
        struct recipe r = good;                                                                              \
        __VA_ARGS__;                                                                                         \
        refuses(r, what_);                                                                                   \
    }

REFUSES(refuses_another_magic, "it is malformed", r.magic = "openssh-key-v2")
REFUSES(refuses_a_kdf_without_a_cipher, "it is malformed", r.kdf = "bcrypt")
REFUSES(refuses_options_of_no_kdf, "it is malformed", r.kdf_options = "x")
REFUSES(refuses_two_keys, "it is malformed", r.keys = 2)
REFUSES(refuses_no_key, "it is malformed", r.keys = 0)
REFUSES(refuses_octets_left_over, "it is malformed", r.behind = 1)
REFUSES(refuses_checks_that_differ, "its private part is damaged", r.check_more = 1)
REFUSES(refuses_another_public_half_outside, "its two halves are different keys", r.point_more = 1)
REFUSES(refuses_another_public_half_inside, "its private part is malformed", r.inner_more = 1)
REFUSES(refuses_a_private_part_of_no_whole_blocks, "its private part is damaged", r.padding = 1)
REFUSES(refuses_a_whole_block_of_padding, "its private part is malformed", r.comment = 1,
        r.padding = 8 + (8 - (8 + 15 + 36 + 68 + 5) % 8) % 8)
REFUSES(refuses_padding_that_does_not_count, "its private part is malformed", r.comment = 1,
        r.padding_from = 2)
REFUSES(refuses_a_comment_over_its_limit, "its private part is malformed", r.comment = 4097)
REFUSES(refuses_a_type_that_no_token_holds, "it is neither RSA, ECDSA nor Ed25519: no token holds such a key",
        r.type = "ssh-dss")
REFUSES(refuses_a_curve_that_is_none, "its private part is malformed", r.type = "ecdsa-sha2-nistp256")

static void refuses_what_is_cut_off(void **state)
{
    static const char text[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n";
    struct sp_private_key key = {0};
    const char *why = "";
    assert_int_equal(read_text(sp_text(text), &key, &why), PRIVATE_FILE_E_INVALID);
    assert_string_equal(why, "it is cut off: there is no line \"-----END OPENSSH PRIVATE KEY-----\"");
}

static void refuses_what_is_longer_than_any_key(void **state)
{
    static uint8_t zeros[SP_PRIVATE_KEY_FILE_MAX + 1];
    struct sp_private_key key = {0};
    const char *why = "";
    assert_int_equal(read_text(sp_span_of(zeros, sizeof zeros), &key, &why), PRIVATE_FILE_E_INVALID);
    assert_string_equal(why, "it is longer than any private key");
}

static void refuses_what_is_no_key(void **state)
{
    struct sp_private_key key = {0};
    const char *why = "";
    assert_int_equal(read_text(sp_text("hello\n"), &key, &why), PRIVATE_FILE_E_INVALID);
    assert_string_equal(why, "it holds no private key in PEM or in OpenSSH's own format");
}

static void takes_no_more_room_than_it_is_given(void **state)
{
    static struct room blob, text;
    uint8_t small[64];
    struct sp_out store = {.data = small, .capacity = sizeof small};
    struct sp_private_key key = {0};
    const char *why = "";
    begin(&blob);
    begin(&text);
    blob_put(&blob.out, &good);
    sp_put_raw(&text.out, sp_text("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_int_equal(base64_encode(sp_written(&blob.out), &text.out), 0);
    sp_put_raw(&text.out, sp_text("\n-----END OPENSSH PRIVATE KEY-----\n"));
    assert_int_equal(private_file_read(sp_written(&text.out), &store, &key, &why), PRIVATE_FILE_E_INVALID);
    assert_string_equal(why, "it is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_key),
        cmocka_unit_test(says_that_a_file_is_encrypted),
        cmocka_unit_test(refuses_another_magic),
        cmocka_unit_test(refuses_a_kdf_without_a_cipher),
        cmocka_unit_test(refuses_options_of_no_kdf),
        cmocka_unit_test(refuses_two_keys),
        cmocka_unit_test(refuses_no_key),
        cmocka_unit_test(refuses_octets_left_over),
        cmocka_unit_test(refuses_checks_that_differ),
        cmocka_unit_test(refuses_another_public_half_outside),
        cmocka_unit_test(refuses_another_public_half_inside),
        cmocka_unit_test(refuses_a_private_part_of_no_whole_blocks),
        cmocka_unit_test(refuses_a_whole_block_of_padding),
        cmocka_unit_test(refuses_padding_that_does_not_count),
        cmocka_unit_test(refuses_a_comment_over_its_limit),
        cmocka_unit_test(refuses_a_type_that_no_token_holds),
        cmocka_unit_test(refuses_a_curve_that_is_none),
        cmocka_unit_test(refuses_what_is_cut_off),
        cmocka_unit_test(refuses_what_is_longer_than_any_key),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(takes_no_more_room_than_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
