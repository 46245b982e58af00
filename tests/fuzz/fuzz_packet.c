/*
 * Packets of a hostile client, and packets of ours that were changed on their way. The input's first octet chooses the
 * cipher and MAC, its second what is done: raw octets are opened, in pieces; or the rest is sealed, changed in one place
 * and opened. A changed packet that is believed is a broken promise, and so is one of ours that is not.
 */
#include <stdint.h>
#include <stdlib.h>

#include <sallyport/registry.h>

#include "worker/frame.h"
#include "worker/newkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

struct suite {
    const char *cipher, *mac;
};

static const struct suite suites[] = {
    {NULL, NULL},
    {"aes128-gcm@openssh.com", NULL},
    {"chacha20-poly1305@openssh.com", NULL},
    {"aes128-ctr", "hmac-sha2-256"},
    {"aes256-ctr", "hmac-sha2-512-etm@openssh.com"},
};

static void keys_open(const struct suite *suite, bool encrypt, struct packet_keys *keys)
{
    const struct newkeys_source source = {.digest = digest_find(sp_text("sha256")),
                                          .k = sp_text("k"),
                                          .h = sp_text("h"),
                                          .session_id = sp_text("s")};
    if (!suite->cipher)
        return;
    const struct kex_direction direction = {
        .cipher = cipher_find(sp_text(suite->cipher)),
        .mac = suite->mac ? mac_find(sp_text(suite->mac)) : NULL,
    };
    require(newkeys_open(&source, &direction, encrypt, "ACE", keys) == 0);
}

/* In memory that ends where the octets end, so that one more is seen. */
static int open_in_pieces(struct packet_direction *in, const uint8_t *data, size_t size, size_t step,
                          struct frame_read *frame, uint8_t **copy)
{
    uint32_t length = 0;
    int r = FRAME_E_MORE;
    *copy = malloc(size ? size : 1);
    require(*copy != NULL);
    if (size != 0)
        memcpy(*copy, data, size);
    for (size_t have = 0; r == FRAME_E_MORE && have <= size; have += step)
        r = frame_open(in, *copy, have, &length, frame);
    if (r == FRAME_E_MORE)
        r = frame_open(in, *copy, size, &length, frame);
    return r;
}

static void raw(const struct suite *suite, const uint8_t *data, size_t size)
{
    struct packet_direction in = {0};
    uint8_t *copy;
    keys_open(suite, false, &in.keys);
    for (size_t step = 1; size != 0;) {
        struct frame_read frame = {{0}, 0};
        int r = open_in_pieces(&in, data, size, step, &frame, &copy);
        if (r == 0)
            require(frame.size <= size && frame.payload.size >= 1 &&
                    frame.payload.size <= PACKET_PAYLOAD_MAX && frame.payload.data >= copy &&
                    frame.payload.data + frame.payload.size <= copy + size);
        free(copy);
        if (r)
            break;
        data += frame.size;
        size -= frame.size;
        step += 3;
    }
    newkeys_close(&in.keys);
}

/* `where`: the bit that is changed; none if it is behind the frame. */
static void changed(const struct suite *suite, size_t where, const uint8_t *payload, size_t payload_size)
{
    static uint8_t bytes[FRAME_MAX + 64];
    static const uint8_t padding[FRAME_PADDING_MAX];
    struct packet_direction in = {0}, out = {0};
    struct frame_read frame = {{0}, 0};
    uint8_t *copy;
    size_t size;
    keys_open(suite, false, &in.keys);
    keys_open(suite, true, &out.keys);
    memcpy(bytes + FRAME_HEAD, payload, payload_size);
    require(frame_seal(&out, bytes, payload_size, sp_span_of(padding, frame_padding(&out.keys, payload_size)),
                       &size) == 0);
    if (where / 8 < size)
        bytes[where / 8] ^= (uint8_t)(1 << where % 8);
    int r = open_in_pieces(&in, bytes, size, size_max(1, size / 3), &frame, &copy);
    if (where / 8 >= size)
        require(r == 0 && sp_span_equal(frame.payload, sp_span_of(payload, payload_size)));
    else
        require(r != 0 || !suite->cipher);
    free(copy);
    newkeys_close(&in.keys);
    newkeys_close(&out.keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    const struct suite *suite = &suites[data[0] % ARRAY_SIZE(suites)];
    size_t where = (size_t)data[2] << 8 | data[3];
    if (data[1] % 2 == 0)
        raw(suite, data + 2, size - 2);
    else
        changed(suite, where, data + 4, size_min(size - 4, PACKET_PAYLOAD_MAX));
    return 0;
}
