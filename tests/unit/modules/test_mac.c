/*
 * MACs against RFC 4231. Its data begin with what we pass as the sequence number; its keys are shorter than ours, and
 * HMAC pads a key with zeros, so a key padded by us is the same key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "hex.h"

struct vector {
    const char *key;
    const char *data;
    const char *sha256;
    const char *sha512;
};

static const struct vector vectors[] = {
    /* section 4.2, test case 1 */
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914"
     "eeb61f170"
     "2e696c203a126854"},
    /* section 4.3, test case 2 */
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a"
     "34d4a6b4b"
     "636e070a38bce737"},
    /* section 4.4, test case 3 */
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a33"
     "7bee89426"
     "74278859e13292fb"},
    /* section 4.5, test case 4 */
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f1974"
     "1120c4f2d"
     "e2adebeb10a298dd"},
};

static void check_vector(const struct sp_mac_ops *mac, const struct vector *vector)
{
    struct hex key = hex_of(vector->key), data = hex_of(vector->data);
    struct hex expected = hex_of(mac->tag_size == 32 ? vector->sha256 : vector->sha512);
    struct sp_in in = sp_in_of(hex_span(&data));
    uint32_t sequence = sp_get_u32(&in);
    uint8_t tag[SP_MAC_TAG_MAX];
    void *state = NULL;
    key.size = mac->key_size; /* zeros follow */
    assert_int_equal(mac->open(hex_span(&key), &state), 0);
    for (int again = 0; again < 3; again++) {
        memset(tag, 0, sizeof tag);
        assert_int_equal(mac->compute(state, sequence, sp_span_of(in.at, in.left), tag), 0);
        assert_memory_equal(tag, expected.data, mac->tag_size);
    }
    mac->close(state);
}

static void agrees_with_rfc_4231_every_time(void **unused)
{
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++)
        for (size_t row = 0; row < sizeof vectors / sizeof vectors[0]; row++)
            check_vector(mac, &vectors[row]);
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
        cmocka_unit_test(agrees_with_rfc_4231_every_time),
        cmocka_unit_test(sequence_is_part_of_the_message),
        cmocka_unit_test(refuses_wrong_key_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
