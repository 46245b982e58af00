/*
 * One packet of the binary packet protocol (RFC 4253 section 6), as a function of the bytes and one direction's keys:
 * nothing here knows of buffers or connections.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"
#include "worker/packet.h"
#include "worker/transport.h"

#define FRAME_HEAD 5u /* packet_length and padding_length */
#define FRAME_PADDING_MIN 4u
#define FRAME_PADDING_MAX 255u
/* The largest packet_length that we take, and all that may stand around a payload. */
#define FRAME_LENGTH_MAX (1u + PACKET_PAYLOAD_MAX + FRAME_PADDING_MAX)
#define FRAME_OVERHEAD (FRAME_HEAD + FRAME_PADDING_MAX + SP_MAC_TAG_MAX)
#define FRAME_MAX (4u + FRAME_LENGTH_MAX + SP_MAC_TAG_MAX)
/* Packets under one key: RFC 4344 section 3.1 asks for new keys after 2^31. */
#define FRAME_PACKETS_MAX (UINT64_C(1) << 31)

enum {
    FRAME_E_MORE = 1, /* the packet is not all there yet */
    FRAME_E_LENGTH,   /* a packet_length that cannot be */
    FRAME_E_MAC,      /* not what the peer sent */
    FRAME_E_PADDING,  /* padding out of range, or no payload */
    FRAME_E_WORN,     /* these keys have done all that they may */
};

struct frame_read {
    struct sp_span payload; /* in the caller's bytes, decrypted in place */
    size_t size;            /* octets of the whole frame */
};

/*
 * Opens the frame that begins at `bytes`, of which `size` octets are there. *length keeps the packet_length between
 * calls while octets are missing, and is 0 before and after: a frame's head may only be decrypted once.
 * 0, FRAME_E_*, or -errno. After anything but 0 and FRAME_E_MORE the direction must not be used again.
 */
int frame_open(struct packet_direction *direction, uint8_t *bytes, size_t size, uint32_t *length,
               struct frame_read *frame) MUST_USE;

/* Octets of padding that a payload of that size gets. */
size_t frame_padding(const struct packet_keys *keys, size_t payload_size);
/*
 * Closes a frame whose payload stands at frame + FRAME_HEAD: head, padding (its octets are given), tag, encryption.
 * *size: octets of the frame. There must be FRAME_OVERHEAD octets of room around the payload. 0, FRAME_E_WORN, -errno.
 */
int frame_seal(struct packet_direction *direction, uint8_t *frame, size_t payload_size,
               struct sp_span padding, size_t *size) MUST_USE;
