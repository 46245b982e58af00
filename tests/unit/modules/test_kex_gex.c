/*
 * diffie-hellman-group-exchange-sha256: which group answers which request, by RFC 4419 section 3 and RFC 8270; what is no
 * request; and that a description takes nothing for a group but what its operations choose.
 */
#include "kex_harness.h"

#include <sallyport/wire.h>

#include "kex/dh_groups.h"

#define GEX "diffie-hellman-group-exchange-sha256"
#define MOST UINT32_MAX

struct group {
    uint8_t room[SP_KEX_GROUP_MAX];
    struct sp_out out;
};

static int choose(uint32_t min, uint32_t preferred, uint32_t max, unsigned bits_min, struct group *group)
{
    const struct sp_kex_ops *gex = kex_find(sp_text(GEX));
    const struct sp_kex_sizes sizes = {.min = min, .preferred = preferred, .max = max};
    group->out = (struct sp_out){.data = group->room, .capacity = sizeof group->room};
    return gex->choose_group(gex, &sizes, bits_min, &group->out);
}

static int check_group(struct sp_span group, unsigned bits_min)
{
    const struct sp_kex_info *info = kex_info_find(sp_text(GEX));
    return info->check_group(info, group, bits_min);
}

/* What a client reads in the group, which the description has to accept. */
static unsigned bits_of(const struct group *group, unsigned bits_min)
{
    struct sp_in in = sp_in_of(sp_written(&group->out));
    sp_get_raw(&in, SP_KEX_SIZES_SIZE);
    struct sp_span p = sp_get_mpint(&in, 1024), g = sp_get_mpint(&in, 1);
    assert_int_equal(sp_get_end(&in), 0);
    assert_true(g.size == 1 && g.data[0] == 2);
    OWNED(BIGNUM) *prime = BN_bin2bn(p.data, (int)p.size, NULL);
    for (unsigned i = 0; i < DH_GROUP_COUNT; i++)
        if (BN_cmp(prime, dh_group_prime(i)) == 0) {
            assert_int_equal(check_group(sp_written(&group->out), bits_min), 0);
            return dh_group_bits(i);
        }
    fail_msg("a foreign prime");
    return 0;
}

static void a_request_gets_the_group_that_fits_it(void **unused)
{
    const struct {
        uint32_t min, preferred, max;
        unsigned bits_min, bits;
    } rows[] = {
        {2048, 2048, 2048, 2048, 2048}, {2048, 2049, 8192, 2048, 3072}, {2048, 3072, 8192, 2048, 3072},
        {2048, 4096, 8192, 2048, 4096}, {2048, 7680, 8192, 2048, 8192}, {2048, 8192, 8192, 2048, 8192},
        {1024, 1024, 8192, 2048, 2048}, {1024, 1024, 2048, 2048, 2048}, {0, 0, MOST, 2048, 2048},
        {0, MOST, MOST, 2048, 8192},    {2048, 9000, 9000, 2048, 8192}, {2048, 5000, 5000, 2048, 4096},
        {2048, 6000, 6143, 2048, 4096}, {4097, 4097, 6144, 2048, 6144}, {2048, 2048, 8192, 3072, 3072},
        {1, 1, 8191, 4096, 4096},       {2048, 2048, 8192, 8192, 8192}, {2048, 2048, 8192, 0, 2048},
        {2048, 2048, 8192, 2049, 3072},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct group group;
        assert_int_equal(choose(rows[i].min, rows[i].preferred, rows[i].max, rows[i].bits_min, &group), 0);
        assert_int_equal(bits_of(&group, rows[i].bits_min), rows[i].bits);
    }
}

static void a_request_that_no_group_fits_is_refused(void **unused)
{
    const struct {
        uint32_t min, preferred, max;
        unsigned bits_min;
        int expected;
    } rows[] = {
        {0, 0, 0, 2048, SP_E_REFUSED},
        {1024, 1024, 1024, 2048, SP_E_REFUSED},
        {512, 1024, 2047, 2048, SP_E_REFUSED},
        {0, 0, 2047, 0, SP_E_REFUSED},
        {8193, 8193, 8193, 2048, SP_E_REFUSED},
        {MOST, MOST, MOST, 2048, SP_E_REFUSED},
        {2049, 2049, 3071, 2048, SP_E_REFUSED},
        {2048, 2048, 2048, 3072, SP_E_REFUSED},
        {2048, 8192, 8192, 8193, SP_E_REFUSED},
        {8192, 8192, 2048, 2048, SP_E_MALFORMED}, /* min > max */
        {4096, 2048, 8192, 2048, SP_E_MALFORMED}, /* n < min */
        {2048, 8192, 4096, 2048, SP_E_MALFORMED}, /* n > max */
        {MOST, 0, MOST, 2048, SP_E_MALFORMED},
        {0, MOST, 0, 2048, SP_E_MALFORMED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct group group;
        assert_int_equal(choose(rows[i].min, rows[i].preferred, rows[i].max, rows[i].bits_min, &group),
                         rows[i].expected);
        assert_int_equal(group.out.size, 0);
    }
}

static void too_little_room_for_a_group_leaves_nothing(void **unused)
{
    const struct sp_kex_ops *gex = kex_find(sp_text(GEX));
    const struct sp_kex_sizes sizes = {2048, 8192, 8192};
    uint8_t small[SP_KEX_GROUP_MAX - 1];
    struct sp_out out = {.data = small, .capacity = sizeof small};
    assert_int_equal(gex->choose_group(gex, &sizes, 2048, &out), SP_E_NO_ROOM);
    assert_int_equal(out.size, 0);
}

/* In any octet, in its length, or against the policy's minimum. */
static void the_description_takes_no_other_group(void **unused)
{
    struct group group;
    assert_int_equal(choose(2048, 2048, 8192, 2048, &group), 0);
    struct sp_span said = sp_written(&group.out);
    for (size_t i = SP_KEX_SIZES_SIZE; i < said.size; i++) {
        group.room[i] ^= 1;
        assert_true(check_group(said, 2048) > 0);
        group.room[i] ^= 1;
    }
    for (size_t size = 0; size < said.size; size++)
        assert_true(check_group(sp_span_of(said.data, size), 2048) > 0);
    uint8_t longer[SP_KEX_GROUP_MAX] = {0};
    memcpy(longer, said.data, said.size);
    assert_int_equal(check_group(sp_span_of(longer, said.size + 1), 2048), SP_E_REFUSED);
    assert_int_equal(check_group(said, 2048), 0);
    assert_int_equal(check_group(said, 3072), SP_E_REFUSED);
    group.room[6] = 0x10; /* n = 4096: for that it is too small */
    assert_int_equal(check_group(said, 2048), SP_E_REFUSED);
}

static void sizes_that_choose_the_same_group_are_as_good(void **unused)
{
    struct group group;
    assert_int_equal(choose(2048, 2048, 8192, 2048, &group), 0);
    group.room[2] = group.room[3] = 0; /* min = 0: the hash changes with it, the group does not */
    assert_int_equal(bits_of(&group, 2048), 2048);
}

static int respond(const struct group *group, struct sp_span e, struct answer *answer)
{
    const struct sp_kex_ops *gex = kex_find(sp_text(GEX));
    answer->server_public = (struct sp_out){.data = answer->public_room, .capacity = SP_KEX_PUBLIC_MAX};
    answer->secret = (struct sp_out){.data = answer->secret_room, .capacity = SP_KEX_SECRET_MAX};
    return gex->respond(gex, sp_written(&group->out), e, &answer->server_public, &answer->secret);
}

static int check_publics(const struct group *group, struct sp_span e, struct sp_span f)
{
    const struct sp_kex_info *info = kex_info_find(sp_text(GEX));
    return info->check_publics(info, sp_written(&group->out), e, f);
}

static struct hex number_of(const BIGNUM *number)
{
    struct hex hex = {0};
    hex.size = (size_t)BN_bn2bin(number, hex.data);
    return hex;
}

/* RFC 4419 section 3 in its own words, in every group. */
static void both_sides_agree_in_each_group(void **unused)
{
    BN_CTX *context = BN_CTX_new();
    for (unsigned i = 0; i < DH_GROUP_COUNT; i++) {
        struct group group;
        struct answer answer;
        OWNED(BIGNUM) *x = BN_new();
        OWNED(BIGNUM) *number = BN_new();
        assert_int_equal(choose(2048, dh_group_bits(i), 8192, 2048, &group), 0);
        assert_int_equal(bits_of(&group, 2048), dh_group_bits(i));
        BN_rand(x, 512, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        BN_set_word(number, 2);
        BN_mod_exp(number, number, x, dh_group_prime(i), context);
        struct hex e = number_of(number);
        assert_int_equal(respond(&group, hex_span(&e), &answer), 0);
        assert_int_equal(check_publics(&group, hex_span(&e), sp_written(&answer.server_public)), 0);
        BN_bin2bn(answer.server_public.data, (int)answer.server_public.size, number);
        BN_mod_exp(number, number, x, dh_group_prime(i), context);
        BN_bin2bn(answer.secret.data, (int)answer.secret.size, x);
        assert_int_equal(BN_cmp(number, x), 0);
    }
    BN_CTX_free(context);
}

static void values_are_judged_in_the_group_that_was_chosen(void **unused)
{
    struct hex good = hex_of("1234"), one = hex_of("01");
    for (unsigned i = 0; i < DH_GROUP_COUNT; i++) {
        struct group group;
        struct answer answer;
        OWNED(BIGNUM) *less = BN_dup(dh_group_prime(i));
        assert_int_equal(choose(dh_group_bits(i), dh_group_bits(i), dh_group_bits(i), 2048, &group), 0);
        BN_sub_word(less, 1);
        struct hex p = number_of(dh_group_prime(i)), p_less = number_of(less);
        struct hex wide = p;
        wide.data[wide.size++] = 0;
        const struct {
            struct sp_span value;
            int expected;
        } rows[] = {{{0}, SP_E_REFUSED},
                    {hex_span(&one), SP_E_REFUSED},
                    {hex_span(&p_less), SP_E_REFUSED},
                    {hex_span(&p), SP_E_REFUSED},
                    {hex_span(&wide), SP_E_MALFORMED}};
        for (size_t at = 0; at < COUNT(rows); at++) {
            assert_int_equal(respond(&group, rows[at].value, &answer), rows[at].expected);
            assert_int_equal(answer.server_public.size + answer.secret.size, 0);
            assert_int_equal(check_publics(&group, rows[at].value, hex_span(&good)), rows[at].expected);
            assert_int_equal(check_publics(&group, hex_span(&good), rows[at].value), rows[at].expected);
        }
    }
}

static void without_a_group_nothing_is_answered(void **unused)
{
    struct hex good = hex_of("1234");
    struct group none = {0};
    struct answer answer;
    assert_int_equal(respond(&none, hex_span(&good), &answer), SP_E_MALFORMED);
    assert_int_equal(check_publics(&none, hex_span(&good), hex_span(&good)), SP_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gets_the_group_that_fits_it),
        cmocka_unit_test(a_request_that_no_group_fits_is_refused),
        cmocka_unit_test(too_little_room_for_a_group_leaves_nothing),
        cmocka_unit_test(the_description_takes_no_other_group),
        cmocka_unit_test(sizes_that_choose_the_same_group_are_as_good),
        cmocka_unit_test(both_sides_agree_in_each_group),
        cmocka_unit_test(values_are_judged_in_the_group_that_was_chosen),
        cmocka_unit_test(without_a_group_nothing_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
