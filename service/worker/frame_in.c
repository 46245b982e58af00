/*
 * Packets from the peer: length checks, authentication and decryption in place. Input: octets of the socket, by
 * packet_in.c. Output: payloads, to the dispatcher. RFC 4253 section 6; PROTOCOL section 1.5 for encrypt-then-MAC.
 */
#include <errno.h>

#include "worker/frame.h"

static bool length_is_outside(const struct packet_keys *keys)
{
    return keys->cipher && (keys->cipher->tag_size != 0 || (keys->mac && keys->mac->etm));
}

static size_t tag_size(const struct packet_keys *keys)
{
    if (!keys->cipher)
        return 0;
    return keys->cipher->tag_size != 0 ? keys->cipher->tag_size : keys->mac->tag_size;
}

static size_t alignment(const struct packet_keys *keys)
{
    return keys->cipher ? size_max(8, keys->cipher->block_size) : 8;
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* How much has to be there, and with encrypt-and-MAC is decrypted, to know the length. */
static size_t head_size(const struct packet_keys *keys)
{
    return keys->cipher && !length_is_outside(keys) ? alignment(keys) : 4;
}

static int head_read(const struct packet_direction *direction, uint8_t *bytes, uint32_t *length)
{
    const struct packet_keys *keys = &direction->keys;
    int r = 0;
    if (keys->cipher && keys->cipher->tag_size != 0)
        return keys->cipher->length(keys->cipher_state, direction->sequence, bytes, length);
    if (keys->cipher && !length_is_outside(keys))
        r = keys->cipher->crypt(keys->cipher_state, bytes, head_size(keys));
    if (r == 0)
        *length = be32(bytes);
    return r;
}

/* RFC 4253 section 6: at least 16 octets, or a block, and a multiple of the block, whatever of it is encrypted. */
static bool length_is_possible(const struct packet_keys *keys, uint32_t length)
{
    size_t counted = length_is_outside(keys) ? length : (size_t)length + 4;
    size_t least = length_is_outside(keys) ? alignment(keys) : size_max(16, alignment(keys));
    return length <= FRAME_LENGTH_MAX && counted >= least && counted % alignment(keys) == 0;
}

/* No early way out: how much of a tag was right must not show in time. */
static bool tags_are_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

static int mac_check(const struct packet_direction *direction, const uint8_t *bytes, size_t size)
{
    const struct packet_keys *keys = &direction->keys;
    uint8_t tag[SP_MAC_TAG_MAX];
    int r = keys->mac->compute(keys->mac_state, direction->sequence, sp_span_of(bytes, size), tag);
    if (r)
        return r;
    return tags_are_equal(tag, bytes + size, keys->mac->tag_size) ? 0 : FRAME_E_MAC;
}

/* The part behind the length is authenticated first wherever the negotiated modes allow it. */
static int body_open(const struct packet_direction *direction, uint8_t *bytes, size_t size)
{
    const struct packet_keys *keys = &direction->keys;
    if (!keys->cipher)
        return 0;
    if (keys->cipher->tag_size != 0) {
        int r = keys->cipher->unseal(keys->cipher_state, direction->sequence, bytes, size);
        return r == SP_E_REFUSED || r == SP_E_MALFORMED ? FRAME_E_MAC : r;
    }
    size_t clear = head_size(keys);
    if (keys->mac->etm) {
        int r = mac_check(direction, bytes, size);
        return r ? r : keys->cipher->crypt(keys->cipher_state, bytes + clear, size - clear);
    }
    int r = keys->cipher->crypt(keys->cipher_state, bytes + clear, size - clear);
    return r ? r : mac_check(direction, bytes, size);
}

/* 2^32 blocks, or what the cipher says: our own KEXINIT has been out for long when a peer reaches this. */
static bool is_worn(const struct packet_direction *direction)
{
    return direction->packets >= FRAME_PACKETS_MAX ||
           (direction->keys.cipher && direction->octets >= direction->keys.cipher->rekey_octets);
}

int frame_open(struct packet_direction *direction, uint8_t *bytes, size_t size, uint32_t *length,
               struct frame_read *frame)
{
    const struct packet_keys *keys = &direction->keys;
    if (*length == 0) {
        uint32_t value = 0;
        if (size < head_size(keys))
            return FRAME_E_MORE;
        if (is_worn(direction))
            return FRAME_E_WORN;
        int r = head_read(direction, bytes, &value);
        if (r)
            return r < 0 ? r : FRAME_E_LENGTH;
        if (!length_is_possible(keys, value))
            return FRAME_E_LENGTH;
        *length = value;
    }
    size_t sealed = 4 + (size_t)*length, whole = sealed + tag_size(keys);
    if (size < whole)
        return FRAME_E_MORE;
    int r = body_open(direction, bytes, sealed);
    if (r)
        return r;
    size_t padding = bytes[4];
    if (padding < FRAME_PADDING_MIN || padding + 2 > *length || *length - 1 - padding > PACKET_PAYLOAD_MAX)
        return FRAME_E_PADDING;

    frame->payload = sp_span_of(bytes + FRAME_HEAD, *length - 1 - padding);
    frame->size = whole;
    *length = 0;
    direction->sequence++;
    direction->packets++;
    direction->octets += whole;
    direction->total += whole;
    return 0;
}
