/* The binary packet protocol: every cipher with every MAC, whole and broken. RFC 4253 section 6. */
#include "rig.h"

#include <sallyport/registry.h>

#include "worker/frame.h"
#include "worker/newkeys.h"

/* One suite's two directions, which hold the same keys. */
struct pair {
    struct packet_direction out, in;
};

static void keys_open(struct packet_keys *keys, const struct sp_cipher_ops *cipher,
                      const struct sp_mac_ops *mac, bool encrypt)
{
    static const uint8_t octets[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_int_equal(cipher->open(encrypt, sp_span_of(octets, cipher->key_size),
                                  sp_span_of(octets, cipher->iv_size), &keys->cipher_state),
                     0);
    keys->cipher = cipher;
    if (mac)
        assert_int_equal(mac->open(sp_span_of(octets, mac->key_size), &keys->mac_state), 0);
    keys->mac = mac;
}

static void pair_close(struct pair *pair)
{
    newkeys_close(&pair->out.keys);
    newkeys_close(&pair->in.keys);
}

typedef void (*suite_fn)(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac);

/* NULL, NULL: in the clear. */
static void for_all_suites(suite_fn run, bool with_clear)
{
    const struct sp_cipher_ops *cipher;
    const struct sp_mac_ops *mac;
    size_t suites = 0;
    if (with_clear)
        run(NULL, NULL);
    for (size_t i = 0; (cipher = cipher_at(i)); i++) {
        if (cipher->tag_size != 0) {
            run(cipher, NULL);
            suites++;
            continue;
        }
        for (size_t j = 0; (mac = mac_at(j)); j++, suites++)
            run(cipher, mac);
    }
    assert_true(suites >= 3 + 3 * 10);
}

static struct pair pair_open(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair pair = {0};
    if (cipher) {
        keys_open(&pair.out.keys, cipher, mac, true);
        keys_open(&pair.in.keys, cipher, mac, false);
    }
    return pair;
}

static uint8_t frame[FRAME_MAX + 64], payload_kept[PACKET_PAYLOAD_MAX];

static size_t seal(struct packet_direction *out, size_t payload_size)
{
    static const uint8_t padding[FRAME_PADDING_MAX] = {7, 7, 7};
    size_t size, pad = frame_padding(&out->keys, payload_size);
    for (size_t i = 0; i < payload_size; i++)
        frame[FRAME_HEAD + i] = payload_kept[i] = (uint8_t)(i * 31 + payload_size);
    assert_int_equal(frame_seal(out, frame, payload_size, sp_span_of(padding, pad), &size), 0);
    return size;
}

static void round_trip(struct pair *pair, size_t payload_size)
{
    struct frame_read read;
    uint32_t length = 0;
    size_t size = seal(&pair->out, payload_size);
    assert_int_equal(frame_open(&pair->in, frame, size, &length, &read), 0);
    assert_int_equal(read.size, size);
    assert_true(sp_span_equal(read.payload, sp_span_of(payload_kept, payload_size)));
    assert_int_equal(length, 0);
    assert_int_equal(pair->in.sequence, pair->out.sequence);
    assert_int_equal(pair->in.octets, pair->out.octets);
}

static void suite_round_trips(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair pair = pair_open(cipher, mac);
    for (size_t size = 1; size < 100; size++)
        round_trip(&pair, size);
    round_trip(&pair, PACKET_DATA_MAX + 13);
    round_trip(&pair, PACKET_PAYLOAD_MAX);
    pair_close(&pair);
}

static void every_size_comes_back(void **state)
{
    for_all_suites(suite_round_trips, true);
}

static void suite_pads(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair pair = pair_open(cipher, mac);
    size_t align = cipher ? size_max(8, cipher->block_size) : 8;
    bool outside = cipher && (cipher->tag_size != 0 || mac->etm);
    for (size_t payload = 1; payload < 300; payload++) {
        size_t padding = frame_padding(&pair.out.keys, payload);
        size_t padded = 1 + payload + padding + (outside ? 0 : 4);
        assert_in_range(padding, FRAME_PADDING_MIN, FRAME_PADDING_MAX);
        assert_int_equal(padded % align, 0);
        assert_true(4 + 1 + payload + padding >= (outside ? align + 4 : 16));
    }
    pair_close(&pair);
}

static void padding_fills_blocks(void **state)
{
    for_all_suites(suite_pads, true);
}

/* Octet by octet, with the length kept: what is decrypted once must not be decrypted again. */
static void suite_truncates(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair pair = pair_open(cipher, mac);
    struct frame_read read;
    uint32_t length = 0;
    size_t size = seal(&pair.out, 40);
    for (size_t have = 0; have < size; have++)
        assert_int_equal(frame_open(&pair.in, frame, have, &length, &read), FRAME_E_MORE);
    assert_int_equal(frame_open(&pair.in, frame, size, &length, &read), 0);
    assert_int_equal(read.payload.size, 40);
    pair_close(&pair);
}

static void a_part_is_waited_for_at_every_octet(void **state)
{
    for_all_suites(suite_truncates, true);
}

static void suite_is_tampered_with(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair probe = pair_open(cipher, mac);
    size_t size = seal(&probe.out, 40);
    pair_close(&probe);
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct pair pair = pair_open(cipher, mac);
        struct frame_read read = {{0}, 0};
        uint32_t length = 0;
        seal(&pair.out, 40);
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int r = frame_open(&pair.in, frame, size, &length, &read);
        /* A changed length may ask for more than there is; nothing may be believed. */
        assert_true(r == FRAME_E_MAC || r == FRAME_E_LENGTH || (r == FRAME_E_MORE && bit < 32));
        assert_null(read.payload.data);
        pair_close(&pair);
    }
}

static void no_bit_can_be_changed(void **state)
{
    for_all_suites(suite_is_tampered_with, false);
}

static void suite_is_reordered(const struct sp_cipher_ops *cipher, const struct sp_mac_ops *mac)
{
    struct pair pair = pair_open(cipher, mac);
    struct frame_read read;
    uint32_t length = 0;
    seal(&pair.out, 40);
    size_t size = seal(&pair.out, 40); /* the second comes first */
    int r = frame_open(&pair.in, frame, size, &length, &read);
    assert_true(r == FRAME_E_MAC || r == FRAME_E_LENGTH || r == FRAME_E_MORE);
    pair_close(&pair);
}

static void a_dropped_packet_is_seen(void **state)
{
    for_all_suites(suite_is_reordered, false);
}

static int open_clear(uint32_t packet_length, uint8_t padding, size_t size)
{
    struct packet_direction in = {0};
    struct frame_read read;
    uint32_t length = 0;
    memset(frame, 0, sizeof frame);
    struct sp_out out = {.data = frame, .capacity = sizeof frame};
    sp_put_u32(&out, packet_length);
    sp_put_u8(&out, padding);
    return frame_open(&in, frame, size, &length, &read);
}

static void padding_out_of_range_is_refused(void **state)
{
    assert_int_equal(open_clear(12, 4, 16), 0);
    assert_int_equal(open_clear(12, 10, 16), 0);
    assert_int_equal(open_clear(12, 3, 16), FRAME_E_PADDING);
    assert_int_equal(open_clear(12, 0, 16), FRAME_E_PADDING);
    assert_int_equal(open_clear(12, 11, 16), FRAME_E_PADDING); /* no payload */
    assert_int_equal(open_clear(12, 12, 16), FRAME_E_PADDING);
    assert_int_equal(open_clear(12, 255, 16), FRAME_E_PADDING);
}

static void impossible_lengths_are_refused_at_once(void **state)
{
    static const uint32_t bad[] = {0,          1,          4,         11, 13, 19, FRAME_LENGTH_MAX + 8,
                                   0x7fffffff, 0xfffffffc, 0xffffffff};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(open_clear(bad[i], 4, 4), FRAME_E_LENGTH);
}

static void a_payload_over_the_limit_is_refused(void **state)
{
    uint32_t length =
        1 + PACKET_PAYLOAD_MAX + 4 + 7; /* 4 more than padding explains: multiple of 8 with the length */
    assert_int_equal((length + 4) % 8, 0);
    assert_int_equal(open_clear(length, 11, length + 4), 0);
    assert_int_equal(open_clear(length, 10, length + 4), FRAME_E_PADDING);
}

static void worn_keys_are_not_used(void **state)
{
    struct pair pair = pair_open(cipher_find(sp_text("chacha20-poly1305@openssh.com")), NULL);
    struct frame_read read;
    uint32_t length = 0;
    size_t size = seal(&pair.out, 40), ignored;
    pair.in.octets = UINT64_C(1) << 30;
    assert_int_equal(frame_open(&pair.in, frame, size, &length, &read), FRAME_E_WORN);
    pair.out.packets = FRAME_PACKETS_MAX;
    assert_int_equal(frame_seal(&pair.out, frame, 40, sp_span_of(payload_kept, 7), &ignored), FRAME_E_WORN);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(padding_fills_blocks),
        cmocka_unit_test(a_part_is_waited_for_at_every_octet),
        cmocka_unit_test(no_bit_can_be_changed),
        cmocka_unit_test(a_dropped_packet_is_seen),
        cmocka_unit_test(padding_out_of_range_is_refused),
        cmocka_unit_test(impossible_lengths_are_refused_at_once),
        cmocka_unit_test(a_payload_over_the_limit_is_refused),
        cmocka_unit_test(worn_keys_are_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
