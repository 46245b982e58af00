/*
 * EXT_INFO (RFC 8308) in both directions. Input: the client's, once. Output: ours, prepared by the zygote, right after
 * our first NEWKEYS, and once more during authentication if the client asks.
 */
#include <time.h>

#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/setup.h"
#include "worker/ssh_numbers.h"
#include "worker/transport_messages.h"

#define EXT_INFO_SENT_MAX 4096u
#define EXTENSIONS_MAX 1024u /* RFC 8308 section 2.3 sets no bound; OpenSSH's */

int on_ssh_ext_info(struct connection *c, struct sp_in *in)
{
    bool in_auth = false;
    uint32_t count = sp_get_u32(in); /* nr-extensions */
    for (uint32_t i = 0; i < count && i < EXTENSIONS_MAX && !in->bad; i++) {
        struct sp_span name = sp_get_string(in, PACKET_PAYLOAD_MAX);  /* extension-name */
        struct sp_span value = sp_get_string(in, PACKET_PAYLOAD_MAX); /* extension-value */
        in_auth |= sp_span_is(name, "ext-info-in-auth@openssh.com") && sp_span_is(value, "0");
    }
    if (count > EXTENSIONS_MAX || sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed EXT_INFO");
    /* Section 2.4 gives a client one place for it. */
    if (c->transport.ext_info_seen)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "a second EXT_INFO");
    c->transport.ext_info_seen = true;
    c->transport.ext_info_in_auth = in_auth;
    return 0;
}

int ext_info_send(struct connection *c)
{
    if (!c->transport.ext_info)
        return 0;
    uint8_t bytes[EXT_INFO_SENT_MAX];
    struct sp_out payload = {.data = bytes, .capacity = sizeof bytes};
    int r = variant_ext_info(c->variant, c->remote_address, (int64_t)time(NULL), &payload);
    if (r)
        return r;
    sp_put_raw(packet_begin(c, SSH_MSG_EXT_INFO), sp_span_of(bytes + 1, payload.size - 1));
    return packet_end(c);
}

int transport_ext_info_in_auth(struct connection *c)
{
    if (!c->transport.ext_info_in_auth)
        return 0;
    c->transport.ext_info_in_auth = false;
    return ext_info_send(c);
}
