/*
 * Sending SSH messages. A message is written straight into its packet frame in the output buffer:
 *
 *     struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_CLOSE);
 *     sp_put_u32(out, peer_channel);
 *     return packet_end(c);
 *
 * packet_end() pads, encrypts in place and leaves it for the socket. While a key exchange of ours is under way,
 * messages of 50 and above are kept, unencrypted and bounded, until NEWKEYS; bulk data is not even begun then
 * (packet_may_send_data()). An output buffer over its bound ends the connection unless the caller asked first.
 */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;

#define PACKET_PAYLOAD_MAX 35000u /* octets of payload that we accept: RFC 4253 section 6.1 asks for 32768 at least */
#define PACKET_DATA_MAX 32768u    /* octets of channel data in one packet that we send and accept */

struct sp_out *packet_begin(struct connection *c, uint8_t number);
int packet_end(struct connection *c) MUST_USE;

/*
 * Whether channel data may be sent now: no exchange under way, and the output buffer below its high-water mark. When
 * it was false and becomes true again, the transport calls channels_pump(c).
 */
bool packet_may_send_data(const struct connection *c);
/*
 * A CHANNEL_DATA (or, stream != 0, CHANNEL_EXTENDED_DATA) frame without a copy: room for the payload is returned, the
 * caller reads its descriptor into it with read(2), then commits what it got (0: the frame is dropped).
 */
uint8_t *packet_data_begin(struct connection *c, uint32_t peer_channel, uint32_t stream, size_t most, size_t *room);
int packet_data_commit(struct connection *c, size_t size) MUST_USE;
