/*
 * Compression: streams of many packets, and what a hostile client may send in their place. zlib itself is the other side
 * where a stream has to be made that ours would not make.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include <sallyport/registry.h>

#define PAYLOAD_MAX 35000u
#define SPACE_MAX (4u << 20)

struct pair {
    const struct sp_compression_ops *ops;
    void *ours, *theirs;
    uint8_t packed[PAYLOAD_MAX + SP_COMPRESSION_GROWTH];
    uint8_t expanded[PAYLOAD_MAX + 1];
    size_t packed_size;
};

static int pair_open(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    pair->ops = compression_find(sp_text("zlib@openssh.com"));
    assert_int_equal(pair->ops->open(true, &pair->ours), 0);
    assert_int_equal(pair->ops->open(false, &pair->theirs), 0);
    *state = pair;
    return 0;
}

static int pair_close(void **state)
{
    struct pair *pair = *state;
    pair->ops->close(pair->ours);
    pair->ops->close(pair->theirs);
    free(pair);
    return 0;
}

static int expand(struct pair *pair, struct sp_span data, size_t most, size_t *size)
{
    struct sp_out out = {.data = pair->expanded, .capacity = most};
    /* In memory of exactly its size, so that a sanitizer sees one octet too many. */
    uint8_t *copy = malloc(data.size ? data.size : 1);
    if (data.size)
        memcpy(copy, data.data, data.size);
    memset(pair->expanded, 0xaa, sizeof pair->expanded);
    int r = pair->ops->expand(pair->theirs, sp_span_of(copy, data.size), &out);
    free(copy);
    assert_int_equal(pair->expanded[most], 0xaa);
    *size = out.size;
    return r;
}

static void pack(struct pair *pair, struct sp_span payload)
{
    struct sp_out out = {.data = pair->packed, .capacity = payload.size + SP_COMPRESSION_GROWTH};
    assert_int_equal(pair->ops->compress(pair->ours, payload, &out), 0);
    pair->packed_size = out.size;
}

static void round_trip(struct pair *pair, struct sp_span payload)
{
    size_t size;
    pack(pair, payload);
    assert_int_equal(expand(pair, sp_span_of(pair->packed, pair->packed_size), PAYLOAD_MAX, &size), 0);
    assert_int_equal(size, payload.size);
    assert_memory_equal(pair->expanded, payload.data, size);
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* ---- packets ------------------------------------------------------------------------------------------------ */

static void every_packet_comes_back_at_once(void **state)
{
    static uint8_t payload[PAYLOAD_MAX];
    uint32_t seed = 1;
    for (size_t size = 1; size < 600; size++) {
        for (size_t i = 0; i < size; i++)
            payload[i] = size % 3 ? (uint8_t) "sallyport "[i % 10] : (uint8_t)random_next(&seed);
        round_trip(*state, sp_span_of(payload, size));
    }
}

/* Noise has to fit, too: a payload grows by no more than is promised, whatever was sent before. */
static void what_cannot_be_compressed_fits(void **state)
{
    static uint8_t payload[PAYLOAD_MAX];
    uint32_t seed = 2;
    for (size_t n = 0; n < 200; n++) {
        size_t size = n % 2 ? PAYLOAD_MAX : PAYLOAD_MAX - 17 * n;
        for (size_t i = 0; i < size; i++)
            payload[i] = (uint8_t)(n % 5 ? random_next(&seed) : 0);
        round_trip(*state, sp_span_of(payload, size));
    }
}

static void a_repeated_packet_costs_little(void **state)
{
    static uint8_t payload[20000];
    struct pair *pair = *state;
    uint32_t seed = 3;
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)random_next(&seed);
    round_trip(pair, sp_span_of(payload, sizeof payload));
    assert_in_range(pair->packed_size, sizeof payload, sizeof payload + SP_COMPRESSION_GROWTH);
    round_trip(pair, sp_span_of(payload, sizeof payload));
    assert_in_range(pair->packed_size, 1, 400); /* the stream remembers it */
}

static void a_payload_of_the_limit_fits_and_one_more_does_not(void **state)
{
    static const uint8_t zeros[PAYLOAD_MAX + 1];
    struct pair *pair = *state;
    size_t size;
    round_trip(pair, sp_span_of(zeros, PAYLOAD_MAX));
    pack(pair, sp_span_of(zeros, PAYLOAD_MAX + 1));
    assert_int_equal(expand(pair, sp_span_of(pair->packed, pair->packed_size), PAYLOAD_MAX, &size),
                     SP_E_NO_ROOM);
    assert_int_equal(size, 0);
}

static void every_limit_is_exact(void **state)
{
    static const uint8_t zeros[700];
    for (size_t size = 1; size < sizeof zeros; size++)
        for (size_t most = size - 1; most <= size + 1; most++) {
            struct pair *pair;
            size_t made;
            pair_open((void **)&pair);
            pack(pair, sp_span_of(zeros, size));
            int r = expand(pair, sp_span_of(pair->packed, pair->packed_size), most, &made);
            assert_int_equal(r, most < size ? SP_E_NO_ROOM : 0);
            assert_int_equal(made, most < size ? 0 : size);
            pair_close((void **)&pair);
        }
}

static void room_that_is_too_small_is_said(void **state)
{
    static uint8_t payload[1000];
    struct pair *pair = *state;
    uint32_t seed = 4;
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)random_next(&seed);
    struct sp_out out = {.data = pair->packed, .capacity = 500};
    assert_int_equal(pair->ops->compress(pair->ours, sp_span_of(payload, sizeof payload), &out), -ENOBUFS);
    assert_int_equal(out.size, 0);
}

/* ---- what a hostile client sends --------------------------------------------------------------------------------- */

static uint8_t stream_bytes[SPACE_MAX];

/* A stream as zlib makes it, with one flush at its end. */
static struct sp_span stream_of(const uint8_t *data, size_t size, int window_bits, int flush,
                                const char *dictionary)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    if (dictionary)
        assert_int_equal(deflateSetDictionary(&stream, (const Bytef *)dictionary, (uInt)strlen(dictionary)),
                         Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    stream.next_out = stream_bytes;
    stream.avail_out = sizeof stream_bytes;
    assert_true(deflate(&stream, flush) >= 0);
    size_t made = sizeof stream_bytes - stream.avail_out;
    deflateEnd(&stream);
    return sp_span_of(stream_bytes, made);
}

static void refuses(struct pair *pair, struct sp_span data, int expected)
{
    size_t size;
    assert_int_equal(expand(pair, data, PAYLOAD_MAX, &size), expected);
    assert_int_equal(size, 0);
}

static void a_bomb_costs_no_more_than_a_packet(void **state)
{
    uint8_t *zeros = calloc(1, 30u << 20);
    struct sp_span bomb = stream_of(zeros, 30u << 20, 15, Z_PARTIAL_FLUSH, NULL);
    free(zeros);
    assert_in_range(bomb.size, 1, PAYLOAD_MAX); /* it fits into one packet */
    refuses(*state, bomb, SP_E_NO_ROOM);
}

static void garbage_is_refused(void **state)
{
    uint32_t seed = 5;
    size_t refused = 0;
    for (size_t n = 0; n < 2000; n++) {
        struct pair *pair;
        uint8_t data[300];
        size_t size;
        pair_open((void **)&pair);
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)random_next(&seed);
        if (n % 2) { /* a header that is right, so that the rest is looked at */
            data[0] = 0x78;
            data[1] = 0x9c;
        }
        int r = expand(pair, sp_span_of(data, 1 + n % sizeof data), PAYLOAD_MAX, &size);
        assert_true(r == 0 || r == SP_E_MALFORMED || r == SP_E_NO_ROOM);
        assert_true((r == 0) == (size != 0));
        refused += r != 0;
        pair_close((void **)&pair);
    }
    assert_true(refused > 1200);
}

static void the_end_of_a_stream_is_refused(void **state)
{
    refuses(*state, stream_of((const uint8_t *)"abc", 3, 15, Z_FINISH, NULL), SP_E_MALFORMED);
}

static void octets_behind_the_end_are_refused(void **state)
{
    struct sp_span ended = stream_of((const uint8_t *)"abc", 3, 15, Z_FINISH, NULL);
    memcpy(stream_bytes + ended.size, "more", 4);
    refuses(*state, sp_span_of(stream_bytes, ended.size + 4), SP_E_MALFORMED);
}

static void a_dictionary_is_refused(void **state)
{
    refuses(*state, stream_of((const uint8_t *)"abcabc", 6, 15, Z_PARTIAL_FLUSH, "abc"), SP_E_MALFORMED);
}

static void other_formats_are_refused(void **state)
{
    refuses(*state, stream_of((const uint8_t *)"abc", 3, 31, Z_PARTIAL_FLUSH, NULL),
            SP_E_MALFORMED); /* gzip */
}

/* A packet that stands for no octet is no message. */
static void a_packet_of_nothing_is_refused(void **state)
{
    struct sp_span whole = stream_of((const uint8_t *)"abc", 3, 15, Z_PARTIAL_FLUSH, NULL);
    for (size_t size = 0; size <= 2; size++) {
        struct pair *pair;
        pair_open((void **)&pair);
        refuses(pair, sp_span_of(whole.data, size), SP_E_MALFORMED);
        pair_close((void **)&pair);
    }
}

/* What is missing of a message is seen by its parser: no more than the peer's octets comes out. */
static void a_truncated_packet_gives_a_beginning_or_nothing(void **state)
{
    static const char text[] = "nothing is known to the peer but what was sent to it";
    struct pair *pair;
    pair_open((void **)&pair);
    pack(pair, sp_span_of(text, sizeof text));
    size_t whole = pair->packed_size;
    pair_close((void **)&pair);
    for (size_t cut = 1; cut < whole; cut++) {
        size_t size;
        pair_open((void **)&pair);
        pack(pair, sp_span_of(text, sizeof text));
        int r = expand(pair, sp_span_of(pair->packed, whole - cut), PAYLOAD_MAX, &size);
        assert_true(r == 0 || r == SP_E_MALFORMED);
        assert_true(size <= sizeof text);
        assert_memory_equal(pair->expanded, text, size);
        pair_close((void **)&pair);
    }
}

/* A match farther back than anything that came. */
static void a_distance_before_the_beginning_is_refused(void **state)
{
    struct pair *pair = *state;
    size_t ignored;
    struct sp_span first = stream_of((const uint8_t *)"abcdefghijklmnop", 16, 15, Z_SYNC_FLUSH, NULL);
    assert_int_equal(expand(pair, first, PAYLOAD_MAX, &ignored), 0);
    /* Fixed codes, not the last block; length 3, distance 25: bits 0 10 0000001 01001 000. */
    static const uint8_t far[] = {0x02, 0x4a, 0x00, 0x00};
    refuses(pair, sp_span_of(far, sizeof far), SP_E_MALFORMED);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static void both_directions_open_and_close_again(void **state)
{
    for (size_t i = 0; i < 1000; i++) {
        struct pair *pair;
        pair_open((void **)&pair);
        if (i % 100 == 0)
            round_trip(pair, sp_text("some text"));
        pair_close((void **)&pair);
    }
    struct pair *pair = *state;
    pair->ops->close(NULL);
}

#define PAIRED(test_) cmocka_unit_test_setup_teardown(test_, pair_open, pair_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIRED(every_packet_comes_back_at_once),
        PAIRED(what_cannot_be_compressed_fits),
        PAIRED(a_repeated_packet_costs_little),
        PAIRED(a_payload_of_the_limit_fits_and_one_more_does_not),
        PAIRED(every_limit_is_exact),
        PAIRED(room_that_is_too_small_is_said),
        PAIRED(a_bomb_costs_no_more_than_a_packet),
        PAIRED(garbage_is_refused),
        PAIRED(the_end_of_a_stream_is_refused),
        PAIRED(octets_behind_the_end_are_refused),
        PAIRED(a_dictionary_is_refused),
        PAIRED(other_formats_are_refused),
        PAIRED(a_packet_of_nothing_is_refused),
        PAIRED(a_truncated_packet_gives_a_beginning_or_nothing),
        PAIRED(a_distance_before_the_beginning_is_refused),
        PAIRED(both_directions_open_and_close_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
