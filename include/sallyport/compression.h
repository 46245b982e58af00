/*
 * Compression of payloads (RFC 4253 section 6.2). "none" is a word of the negotiation and no module: a direction
 * without compression has no ops at all.
 *
 * Every method here is a delayed one: it begins in both directions behind USERAUTH_SUCCESS, so that nobody who has not
 * logged in reaches a decompressor, and begins afresh with every exchange after that. Its memory is taken by the two
 * open functions, and not before.
 */
#pragma once

#include <sallyport/module.h>

/* Octets that a compressed payload may be longer than it was. */
#define SP_COMPRESSION_GROWTH 1024u

struct sp_compression_ops {
    struct sp_module head;

    /* A stream of one direction; `state` is freed, and what it remembers wiped, with close(). 0 or a negative errno. */
    int (*open)(bool compress, void **state);
    void (*close)(void *state);

    /*
     * The stream's next packet, flushed so that the peer can have all of it. `out` has room for the payload and
     * SP_COMPRESSION_GROWTH. 0 or a negative errno, after which the stream must not be used again.
     */
    int (*compress)(void *state, struct sp_span payload, struct sp_out *out);
    /*
     * The payload that the stream's next packet stands for, never empty. No more than out->capacity octets are ever made
     * of one packet, whatever it asks for. 0; SP_E_MALFORMED: not of this stream; SP_E_NO_ROOM: it is longer than
     * `out`; or a negative errno. After anything but 0 the stream must not be used again.
     */
    int (*expand)(void *state, struct sp_span data, struct sp_out *out);
};
