/*
 * HMACs against RFC 4231 and, for SHA-1, RFC 2202, which has the same data. They begin with what we pass as the sequence
 * number; the keys are shorter than ours, and HMAC pads a key with zeros, so a key padded by us is the same key. UMACs
 * against RFC 4418, below the ABI for its nonce.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "hex.h"
#include "mac/umac.h"

struct vector {
    const char *key;
    const char *data;
    const char *sha256;
    const char *sha512;
    const char *sha1; /* NULL: a longer key than ours */
};

static const struct vector vectors[] = {
    /* section 4.2, test case 1 */
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914"
     "eeb61f170"
     "2e696c203a126854",
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    /* section 4.3, test case 2 */
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a"
     "34d4a6b4b"
     "636e070a38bce737",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    /* section 4.4, test case 3 */
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a33"
     "7bee89426"
     "74278859e13292fb",
     "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    /* section 4.5, test case 4 */
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f1974"
     "1120c4f2d"
     "e2adebeb10a298dd",
     NULL},
};

static bool is_hmac(const struct sp_mac_ops *mac)
{
    return strncmp(mac->head.name, "hmac-", 5) == 0;
}

static struct hex hmac_expected(const struct sp_mac_ops *mac, const struct vector *vector)
{
    if (mac->tag_size == 20)
        return hex_of(vector->sha1);
    return hex_of(mac->tag_size == 32 ? vector->sha256 : vector->sha512);
}

static void check_vector(const struct sp_mac_ops *mac, const struct vector *vector)
{
    struct hex key = hex_of(vector->key), data = hex_of(vector->data), expected = hmac_expected(mac, vector);
    struct sp_in in = sp_in_of(hex_span(&data));
    uint32_t sequence = sp_get_u32(&in);
    uint8_t tag[SP_MAC_TAG_MAX];
    void *state = NULL;
    key.size = mac->key_size; /* zeros follow */
    assert_int_equal(mac->open(hex_span(&key), &state), 0);
    for (int again = 0; again < 3; again++) {
        memset(tag, 0, sizeof tag);
        assert_int_equal(mac->compute(state, sequence, sp_span_of(in.at, in.left), tag), 0);
        assert_int_equal(expected.size, mac->tag_size);
        assert_memory_equal(tag, expected.data, mac->tag_size);
    }
    mac->close(state);
}

static void hmac_agrees_with_its_vectors_every_time(void **unused)
{
    const struct sp_mac_ops *mac;
    size_t checked = 0;
    for (size_t i = 0; (mac = mac_at(i)); i++)
        for (size_t row = 0; is_hmac(mac) && row < sizeof vectors / sizeof vectors[0]; row++) {
            if (mac->tag_size == 20 && !vectors[row].sha1)
                continue;
            check_vector(mac, &vectors[row]);
            checked++;
        }
    assert_int_equal(checked, 4 * 4 + 2 * 3);
}

/* RFC 4418, appendix: tags of 64 and of 96 bits, which are the beginning of those of 128 (section 2.2). */
static const struct {
    const char *text;
    size_t times;
    const char *tag_64, *tag_96;
} umac_vectors[] = {
    {"", 0, "6e155fad26900be1", "32fedb100c79ad58f07ff764"},
    {"a", 3, "44b5cb542f220104", "185e4fe905cba7bd85e4c2dc"},
    {"a", 1 << 10, "26bf2f5d60118bd9", "7a54abe04af82d60fb298c3c"},
    {"a", 1 << 15, "27f8ef643b0d118d", "7b136bd911e4b734286ef2be"},
    {"a", 1 << 20, "a4477e87e9f55853", "f8acfa3ac31cfeea047f7b11"},
    {"abc", 1, "d4d7b9f6bd4fbfcf", "883c3d4b97a61976ffcf2323"},
    {"abc", 500, "d4cf26ddefd5c01a", "8824a260c53c66a36c9260a6"},
};

typedef void (*umac_fn)(void *state, const uint8_t nonce[UMAC_NONCE_SIZE], struct sp_span data, uint8_t *tag);

static void check_umac(const char *name, umac_fn tag_of, struct sp_span data, const char *expected)
{
    const struct sp_mac_ops *mac = mac_find(sp_text(name));
    struct hex wanted = hex_of(expected);
    uint8_t tag[SP_MAC_TAG_MAX];
    void *state = NULL;
    assert_int_equal(mac->open(sp_text("abcdefghijklmnop"), &state), 0);
    for (int again = 0; again < 3; again++) {
        memset(tag, 0, sizeof tag);
        tag_of(state, (const uint8_t *)"bcdefghi", data, tag);
        assert_memory_equal(tag, wanted.data, wanted.size);
    }
    mac->close(state);
}

static void umac_agrees_with_rfc_4418_every_time(void **unused)
{
    for (size_t i = 0; i < sizeof umac_vectors / sizeof umac_vectors[0]; i++) {
        size_t step = strlen(umac_vectors[i].text), size = step * umac_vectors[i].times;
        uint8_t *data = malloc(size + 1);
        assert_non_null(data);
        for (size_t at = 0; at < size; at++)
            data[at] = (uint8_t)umac_vectors[i].text[at % step];
        check_umac("umac-64@openssh.com", umac_64_tag, sp_span_of(data, size), umac_vectors[i].tag_64);
        check_umac("umac-128-etm@openssh.com", umac_128_tag, sp_span_of(data, size), umac_vectors[i].tag_96);
        free(data);
    }
}

static void umac_takes_the_sequence_as_64_bits(void **unused)
{
    static const uint8_t key[16] = {1}, nonce[UMAC_NONCE_SIZE] = {0, 0, 0, 0, 0xfe, 0xdc, 0xba, 0x98};
    const struct sp_mac_ops *mac;
    size_t checked = 0;
    for (size_t i = 0; (mac = mac_at(i)); i++) {
        uint8_t tag[SP_MAC_TAG_MAX], expected[SP_MAC_TAG_MAX];
        void *state = NULL;
        if (is_hmac(mac))
            continue;
        assert_int_equal(mac->open(sp_span_of(key, sizeof key), &state), 0);
        assert_int_equal(mac->compute(state, 0xfedcba98, sp_text("packet"), tag), 0);
        (mac->tag_size == 8 ? umac_64_tag : umac_128_tag)(state, nonce, sp_text("packet"), expected);
        assert_memory_equal(tag, expected, mac->tag_size);
        mac->close(state);
        checked++;
    }
    assert_int_equal(checked, 4);
}

static void sequence_is_part_of_the_message(void **unused)
{
    const uint8_t key[SP_MAC_KEY_MAX] = {1};
    uint8_t one[SP_MAC_TAG_MAX], other[SP_MAC_TAG_MAX];
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++) {
        void *state = NULL;
        assert_int_equal(mac->open(sp_span_of(key, mac->key_size), &state), 0);
        assert_int_equal(mac->compute(state, 1, sp_text("packet"), one), 0);
        assert_int_equal(mac->compute(state, 2, sp_text("packet"), other), 0);
        assert_memory_not_equal(one, other, mac->tag_size);
        mac->close(state);
    }
}

static void refuses_wrong_key_sizes(void **unused)
{
    const uint8_t key[SP_MAC_KEY_MAX + 1] = {0};
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++) {
        void *state = NULL;
        assert_true(mac->open(sp_span_of(key, mac->key_size - 1u), &state) < 0);
        assert_true(mac->open(sp_span_of(key, mac->key_size + 1u), &state) < 0);
        assert_null(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_agrees_with_its_vectors_every_time),
        cmocka_unit_test(umac_agrees_with_rfc_4418_every_time),
        cmocka_unit_test(umac_takes_the_sequence_as_64_bits),
        cmocka_unit_test(sequence_is_part_of_the_message),
        cmocka_unit_test(refuses_wrong_key_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
