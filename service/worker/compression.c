/*
 * Compression in the transport. Input: payloads that are about to be sealed, by packet_out.c, and those that were just
 * opened, by packet_in.c. Output: the same, compressed or expanded. RFC 4253 section 6.2; delayed until the login as in
 * draft-miller-secsh-compression-delayed, so that a client that has not logged in finds neither the code nor its memory.
 *
 * What a client's packet expands to has the limit of any payload, in one buffer: work and memory for it are bounded
 * however well it was compressed.
 */
#include "worker/compression.h"

#include <assert.h>

#include "worker/connection.h"
#include "worker/newkeys.h"
#include "worker/packet.h"

int compression_begin(struct connection *c)
{
    struct transport *t = &c->transport;
    int r = newkeys_compress(&t->in.keys, false);
    return r ? r : newkeys_compress(&t->out.keys, true);
}

size_t compression_growth(const struct connection *c)
{
    return c->transport.out.keys.compression_state ? SP_COMPRESSION_GROWTH : 0;
}

int compression_pack(struct connection *c, uint8_t *payload, size_t *size)
{
    const struct packet_keys *keys = &c->transport.out.keys;
    struct sp_out packed = {.data = c->transport.packed, .capacity = *size + SP_COMPRESSION_GROWTH};
    if (!keys->compression_state)
        return 0;
    assert(packed.capacity <= sizeof c->transport.packed);
    int r = keys->compression->compress(keys->compression_state, sp_span_of(payload, *size), &packed);
    if (r)
        return r;
    memcpy(payload, packed.data, packed.size);
    *size = packed.size;
    return 0;
}

int compression_unpack(struct connection *c, struct sp_span *payload)
{
    const struct packet_keys *keys = &c->transport.in.keys;
    struct sp_out unpacked = {.data = c->transport.unpacked, .capacity = sizeof c->transport.unpacked};
    if (!keys->compression_state)
        return 0;
    int r = keys->compression->expand(keys->compression_state, *payload, &unpacked);
    if (r < 0)
        return r;
    if (r == SP_E_NO_ROOM)
        return connection_fail(c, SSH_DISCONNECT_COMPRESSION_ERROR, "a packet expands beyond its limit");
    if (r)
        return connection_fail(c, SSH_DISCONNECT_COMPRESSION_ERROR, "corrupt compressed packet");
    *payload = sp_written(&unpacked);
    return 0;
}
