/*
 * Packets to the peer. Input: payloads that stand where they will be sent from, by packet_out.c. Output: the same
 * memory, ready for the socket. RFC 4253 section 6.
 */
#include "worker/frame.h"

/* With an AEAD or encrypt-then-MAC the length field is no part of what is padded (RFC 5647 section 7.2). */
static bool length_is_padded(const struct packet_keys *keys)
{
    return !keys->cipher || (keys->cipher->tag_size == 0 && !keys->mac->etm);
}

size_t frame_padding(const struct packet_keys *keys, size_t payload_size)
{
    size_t align = keys->cipher ? size_max(8, keys->cipher->block_size) : 8;
    size_t size = (length_is_padded(keys) ? FRAME_HEAD : 1) + payload_size;
    size_t padding = align - size % align;
    return padding < FRAME_PADDING_MIN ? padding + align : padding;
}

static int body_seal(const struct packet_direction *direction, uint8_t *frame, size_t size, size_t *tag)
{
    const struct packet_keys *keys = &direction->keys;
    uint32_t sequence = direction->sequence;
    *tag = 0;
    if (!keys->cipher)
        return 0;
    if (keys->cipher->tag_size != 0) {
        *tag = keys->cipher->tag_size;
        return keys->cipher->seal(keys->cipher_state, sequence, frame, size);
    }
    *tag = keys->mac->tag_size;
    if (keys->mac->etm) {
        int r = keys->cipher->crypt(keys->cipher_state, frame + 4, size - 4);
        return r ? r : keys->mac->compute(keys->mac_state, sequence, sp_span_of(frame, size), frame + size);
    }
    int r = keys->mac->compute(keys->mac_state, sequence, sp_span_of(frame, size), frame + size);
    return r ? r : keys->cipher->crypt(keys->cipher_state, frame, size);
}

int frame_seal(struct packet_direction *direction, uint8_t *frame, size_t payload_size,
               struct sp_span padding, size_t *size)
{
    size_t length = 1 + payload_size + padding.size, tag;
    if (direction->packets >= FRAME_PACKETS_MAX)
        return FRAME_E_WORN;
    frame[0] = (uint8_t)(length >> 24);
    frame[1] = (uint8_t)(length >> 16);
    frame[2] = (uint8_t)(length >> 8);
    frame[3] = (uint8_t)length;
    frame[4] = (uint8_t)padding.size;
    memcpy(frame + FRAME_HEAD + payload_size, padding.data, padding.size);
    int r = body_seal(direction, frame, 4 + length, &tag);
    if (r)
        return r;
    *size = 4 + length + tag;
    direction->sequence++;
    direction->packets++;
    direction->octets += *size;
    direction->total += *size;
    return 0;
}
