/*
 * Compression in the transport: when it begins and begins again, the limits of what a client's packet expands to, and the
 * bounds of the output. RFC 4253 section 6.2, draft-miller-secsh-compression-delayed.
 */
#include "rig.h"

#include <unistd.h>

#include <sallyport/registry.h>

#include "ipc/negotiate.h"
#include "worker/compression.h"
#include "worker/frame.h"
#include "worker/kex.h"
#include "worker/newkeys.h"

/* The client's two streams, once it has begun them. */
static void *theirs_in, *theirs_out;

static const struct sp_compression_ops *zlib(void)
{
    return compression_find(sp_text("zlib@openssh.com"));
}

static void client_begins(void)
{
    zlib()->close(theirs_in);
    zlib()->close(theirs_out);
    assert_int_equal(zlib()->open(false, &theirs_in), 0);
    assert_int_equal(zlib()->open(true, &theirs_out), 0);
}

/* As after a first exchange in which it was agreed on: not begun. */
static int agreed(void **state)
{
    rig_make(state);
    struct transport *t = &((struct rig *)*state)->c->transport;
    t->ident_done = true;
    t->in.keys.compression = t->out.keys.compression = zlib();
    return 0;
}

static int over(void **state)
{
    struct transport *t = &((struct rig *)*state)->c->transport;
    newkeys_close(&t->in.keys);
    newkeys_close(&t->out.keys);
    newkeys_close(&t->kex.next_in);
    zlib()->close(theirs_in);
    zlib()->close(theirs_out);
    theirs_in = theirs_out = NULL;
    return rig_drop(state);
}

static int begun(void **state)
{
    agreed(state);
    struct rig *rig = *state;
    rig->c->phase = PHASE_LOGIN;
    assert_int_equal(compression_begin(rig->c), 0);
    client_begins();
    return 0;
}

/* ---- packets ------------------------------------------------------------------------------------------------ */

static int send_message(struct rig *rig, uint8_t number, struct sp_span data)
{
    sp_put_raw(packet_begin(rig->c, number), data);
    return packet_end(rig->c);
}

/* What a packet of ours stands for, valid until the next. */
static struct sp_span expanded(struct rig *rig)
{
    static uint8_t bytes[PACKET_PAYLOAD_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(zlib()->expand(theirs_in, rig_packet(rig), &out), 0);
    return sp_written(&out);
}

static void client_sends(struct rig *rig, struct sp_span payload)
{
    static uint8_t frame[FRAME_MAX];
    static const uint8_t zeros[FRAME_PADDING_MAX];
    struct packet_direction clear = {0};
    size_t size;
    memcpy(frame + FRAME_HEAD, payload.data, payload.size);
    struct sp_span padding = sp_span_of(zeros, frame_padding(&clear.keys, payload.size));
    assert_int_equal(frame_seal(&clear, frame, payload.size, padding, &size), 0);
    assert_int_equal(write(rig->client, frame, size), size);
    assert_int_equal(packet_read(rig->c), 0);
}

static void client_sends_compressed(struct rig *rig, struct sp_span payload)
{
    static uint8_t bytes[PACKET_PAYLOAD_MAX * 2 + SP_COMPRESSION_GROWTH];
    struct sp_out out = {.data = bytes, .capacity = payload.size + SP_COMPRESSION_GROWTH};
    assert_int_equal(zlib()->compress(theirs_out, payload, &out), 0);
    client_sends(rig, sp_written(&out));
}

static const uint8_t *noise(size_t size)
{
    static uint8_t bytes[PACKET_PAYLOAD_MAX];
    static uint32_t seed = 1;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    return bytes;
}

/* ---- when ---------------------------------------------------------------------------------------------------- */

static void nothing_is_compressed_before_it_begins(void **state)
{
    static const uint8_t message[] = {98, 'a', 'a', 'a', 'a'};
    struct rig *rig = *state;
    struct sp_span payload;
    assert_int_equal(send_message(rig, 98, sp_text("aaaa")), 0);
    assert_true(sp_span_equal(rig_packet(rig), sp_span_of(message, sizeof message)));
    client_sends(rig, sp_span_of(message, sizeof message));
    assert_int_equal(packet_next(rig->c, &payload), 0);
    assert_true(sp_span_equal(payload, sp_span_of(message, sizeof message)));
    assert_null(rig->c->transport.in.keys.compression_state);
    assert_null(rig->c->transport.out.keys.compression_state);
}

static void nothing_begins_that_was_not_agreed_on(void **state)
{
    struct rig *rig = *state;
    struct transport *t = &rig->c->transport;
    t->in.keys.compression = NULL;
    assert_int_equal(compression_begin(rig->c), 0);
    assert_null(t->in.keys.compression_state);
    assert_non_null(t->out.keys.compression_state);
}

static void both_directions_are_compressed_once_begun(void **state)
{
    struct rig *rig = *state;
    struct sp_span payload;
    for (size_t size = 1; size < 3000; size += 7) {
        uint8_t message[3000] = {192};
        memcpy(message + 1, noise(size), size - 1);
        assert_int_equal(send_message(rig, 192, sp_span_of(message + 1, size - 1)), 0);
        assert_true(sp_span_equal(expanded(rig), sp_span_of(message, size)));
        client_sends_compressed(rig, sp_span_of(message, size));
        assert_int_equal(packet_next(rig->c, &payload), 0);
        assert_true(sp_span_equal(payload, sp_span_of(message, size)));
        assert_int_equal(packet_next(rig->c, &payload), PACKET_E_MORE);
    }
}

static void many_packets_of_one_read_come_one_by_one(void **state)
{
    struct rig *rig = *state;
    struct sp_span payload;
    for (uint8_t i = 0; i < 100; i++)
        client_sends_compressed(rig, sp_span_of((const uint8_t[]){2, i, i, i}, 4));
    for (uint8_t i = 0; i < 100; i++) {
        assert_int_equal(packet_next(rig->c, &payload), 0);
        assert_int_equal(payload.size, 4);
        assert_int_equal(payload.data[3], i);
    }
}

static const struct newkeys_source *source(void)
{
    static struct newkeys_source made;
    made = (struct newkeys_source){digest_find(sp_text("sha256")), sp_text("k"), sp_text("h"), sp_text("i")};
    return &made;
}

static struct kex_direction direction_of(bool compresses)
{
    return (struct kex_direction){
        .cipher = cipher_find(sp_text("aes128-ctr")),
        .mac = mac_find(sp_text("hmac-sha2-256")),
        .compression = zlib(),
        .compresses = compresses,
    };
}

static void keys_of_the_first_exchange_carry_it_and_do_not_begin(void **state)
{
    struct kex_direction direction = direction_of(false);
    struct packet_keys keys = {0};
    assert_int_equal(newkeys_open(source(), &direction, true, "BDF", &keys), 0);
    assert_ptr_equal(keys.compression, zlib());
    assert_null(keys.compression_state);
    newkeys_close(&keys);
    assert_null(keys.compression);
}

/* The client's next stream begins with its own NEWKEYS, whatever of ours has begun; so does ours with ours. */
static void new_keys_begin_new_streams(void **state)
{
    struct rig *rig = *state;
    struct transport *t = &rig->c->transport;
    struct kex_direction direction = direction_of(true);
    struct packet_keys keys = {0};
    assert_int_equal(send_message(rig, 192, sp_span_of(noise(500), 500)), 0);
    expanded(rig);
    assert_int_equal(newkeys_open(source(), &direction, true, "BDF", &keys), 0);
    assert_non_null(keys.compression_state);
    newkeys_use(&t->out, &keys, true);

    client_begins();
    assert_int_equal(newkeys_open(source(), &direction, false, "BDF", &rig->theirs.keys), 0);
    rig->theirs.sequence = 0;
    assert_int_equal(send_message(rig, 192, sp_text("under new keys")), 0);
    struct sp_span payload = expanded(rig);
    assert_int_equal(payload.size, 15);
    assert_memory_equal(payload.data + 1, "under new keys", 14);
    newkeys_close(&rig->theirs.keys);
}

static void a_later_exchange_can_agree_on_none(void **state)
{
    struct rig *rig = *state;
    struct transport *t = &rig->c->transport;
    struct kex_direction direction = direction_of(true);
    struct packet_keys keys = {0};
    direction.compression = NULL;
    assert_int_equal(newkeys_open(source(), &direction, true, "BDF", &keys), 0);
    newkeys_use(&t->out, &keys, true);
    assert_null(t->out.keys.compression_state);
    assert_int_equal(compression_growth(rig->c), 0);
}

/* ---- the negotiation ------------------------------------------------------------------------------------------- */

static void client_offers(struct rig *rig, const char *c2s, const char *s2c)
{
    static const uint8_t cookie[KEXINIT_COOKIE_SIZE];
    const char *const lists[] = {
        "curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
        "hmac-sha2-256",     c2s,           s2c,          "",           ""};
    struct sp_out *out = rig_message(rig);
    sp_put_raw(out, sp_span_of(cookie, sizeof cookie));
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        sp_put_text(out, lists[i]);
    sp_put_bool(out, false);
    sp_put_u32(out, 0);
    assert_int_equal(kexinit_send(rig->c), 0);
    assert_int_equal(rig_deliver(rig, 20), 0);
}

static void each_direction_is_agreed_on_by_itself(void **state)
{
    struct rig *rig = *state;
    client_offers(rig, "zlib@openssh.com,none", "none");
    assert_ptr_equal(rig->c->transport.kex.in.compression, zlib());
    assert_null(rig->c->transport.kex.out.compression);
}

static void only_a_later_exchange_begins_it(void **state)
{
    struct rig *rig = *state;
    struct kex *kex = &rig->c->transport.kex;
    client_offers(rig, "zlib@openssh.com", "zlib@openssh.com");
    assert_false(kex->in.compresses || kex->out.compresses);
    kex->step = KEX_NONE;
    rig->c->phase = PHASE_LOGIN;
    client_offers(rig, "zlib@openssh.com", "zlib@openssh.com");
    assert_true(kex->in.compresses && kex->out.compresses);
}

/* ---- a hostile client --------------------------------------------------------------------------------------------- */

static void ends_with_compression_error(struct rig *rig, const char *says)
{
    struct sp_span payload;
    assert_int_equal(packet_next(rig->c, &payload), WORKER_E_END);
    assert_int_equal(rig->c->end_reason, 6); /* RFC 4253 section 11.1 */
    assert_non_null(strstr(rig->c->end_text, says));
    assert_false(rig->c->end_by_peer);
}

static void a_payload_of_the_limit_is_taken(void **state)
{
    static const uint8_t zeros[PACKET_PAYLOAD_MAX];
    struct rig *rig = *state;
    struct sp_span payload;
    client_sends_compressed(rig, sp_span_of(zeros, PACKET_PAYLOAD_MAX));
    assert_int_equal(packet_next(rig->c, &payload), 0);
    assert_int_equal(payload.size, PACKET_PAYLOAD_MAX);
}

static void a_packet_that_expands_beyond_the_limit_ends_it(void **state)
{
    static const uint8_t zeros[PACKET_PAYLOAD_MAX + 1];
    client_sends_compressed(*state, sp_span_of(zeros, sizeof zeros));
    ends_with_compression_error(*state, "beyond its limit");
}

static void what_is_no_stream_ends_it(void **state)
{
    client_sends(*state, sp_text("\x02plain"));
    ends_with_compression_error(*state, "corrupt");
}

static void a_packet_of_nothing_ends_it(void **state)
{
    client_sends(*state, sp_text("\x78\x9c")); /* the header of RFC 1950 and nothing behind it */
    ends_with_compression_error(*state, "corrupt");
}

/* ---- the output ----------------------------------------------------------------------------------------------------- */

static void noise_stays_within_the_output(void **state)
{
    struct rig *rig = *state;
    size_t count = 0, most = PACKET_DATA_MAX + 12;
    int r;
    while ((r = send_message(rig, 98, sp_span_of(noise(most), most))) == 0)
        count++;
    assert_int_equal(r, WORKER_E_END);
    assert_in_range(count, OUTPUT_SIZE / most - 3, OUTPUT_SIZE / most);
    assert_true(rig->c->transport.output.end <= OUTPUT_SIZE);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(expanded(rig).size, 1 + most);
}

static void data_is_compressed_and_stops_at_the_mark(void **state)
{
    struct rig *rig = *state;
    size_t frames = 0, room;
    for (; packet_may_send_data(rig->c); frames++) {
        uint8_t *data = packet_data_begin(rig->c, 5, 0, SIZE_MAX, &room);
        assert_int_equal(room, PACKET_DATA_MAX);
        memcpy(data, noise(room), room);
        assert_int_equal(packet_data_commit(rig->c, frames % 3 ? room : 10), 0);
    }
    assert_in_range(packet_waiting(rig->c), OUTPUT_DATA_MARK,
                    OUTPUT_DATA_MARK + PACKET_DATA_MAX + SP_COMPRESSION_GROWTH);
    for (size_t i = 0; i < frames; i++)
        assert_int_equal(expanded(rig).size, 9 + (i % 3 ? PACKET_DATA_MAX : 10));
    assert_int_equal(rig_count(rig), 0);
}

static void an_empty_data_frame_leaves_no_trace_in_the_stream(void **state)
{
    struct rig *rig = *state;
    size_t room;
    packet_data_begin(rig->c, 5, 0, 100, &room);
    assert_int_equal(packet_data_commit(rig->c, 0), 0);
    assert_int_equal(send_message(rig, 97, sp_text("1234")), 0);
    assert_int_equal(expanded(rig).size, 5);
}

static void what_was_kept_is_compressed_when_it_goes(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(kexinit_send(rig->c), 0);
    for (uint8_t number = 90; number < 100; number++)
        assert_int_equal(send_message(rig, number, sp_text("kept")), 0);
    assert_int_equal(expanded(rig).data[0], 20);
    rig->c->transport.kex.step = KEX_SWITCHING;
    assert_int_equal(packet_send_kept(rig->c), 0);
    for (uint8_t number = 90; number < 100; number++)
        assert_int_equal(expanded(rig).data[0], number);
    assert_int_equal(rig_count(rig), 0);
}

#define AGREED(test_) cmocka_unit_test_setup_teardown(test_, agreed, over)
#define BEGUN(test_) cmocka_unit_test_setup_teardown(test_, begun, over)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AGREED(nothing_is_compressed_before_it_begins),
        AGREED(nothing_begins_that_was_not_agreed_on),
        BEGUN(both_directions_are_compressed_once_begun),
        BEGUN(many_packets_of_one_read_come_one_by_one),
        cmocka_unit_test(keys_of_the_first_exchange_carry_it_and_do_not_begin),
        BEGUN(new_keys_begin_new_streams),
        BEGUN(a_later_exchange_can_agree_on_none),
        AGREED(each_direction_is_agreed_on_by_itself),
        AGREED(only_a_later_exchange_begins_it),
        BEGUN(a_payload_of_the_limit_is_taken),
        BEGUN(a_packet_that_expands_beyond_the_limit_ends_it),
        BEGUN(what_is_no_stream_ends_it),
        BEGUN(a_packet_of_nothing_ends_it),
        BEGUN(noise_stays_within_the_output),
        BEGUN(data_is_compressed_and_stops_at_the_mark),
        BEGUN(an_empty_data_frame_leaves_no_trace_in_the_stream),
        BEGUN(what_was_kept_is_compressed_when_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
