/*
 * The transport's small messages (RFC 4253 sections 10 and 11, OpenSSH PROTOCOL section 1.8). Input: payloads by the
 * dispatcher. Output: answers, or the end of the connection.
 */
#include "worker/transport_messages.h"

#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

static int malformed(struct connection *c, const char *name)
{
    return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed %s", name);
}

/* The last message is believed even when it is cut short: nothing follows from it but the end. */
int on_ssh_disconnect(struct connection *c, struct sp_in *in)
{
    uint32_t reason = sp_get_u32(in);
    struct sp_span description = sp_get_string(in, PACKET_PAYLOAD_MAX);
    return connection_ended_by_peer(c, reason, description);
}

int on_ssh_ignore(struct connection *c, struct sp_in *in)
{
    return 0;
}

int on_ssh_unimplemented(struct connection *c, struct sp_in *in)
{
    sp_get_u32(in); /* packet sequence number of rejected message: we send nothing that may not be refused */
    return sp_get_end(in) ? malformed(c, "UNIMPLEMENTED") : 0;
}

int on_ssh_debug(struct connection *c, struct sp_in *in)
{
    return 0;
}

int on_ssh_service_request(struct connection *c, struct sp_in *in)
{
    struct sp_span name = sp_get_text(in, 64);
    if (sp_get_end(in))
        return malformed(c, "SERVICE_REQUEST");
    if (!sp_span_is(name, "ssh-userauth"))
        return connection_fail(c, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE, "the only service is ssh-userauth");
    c->auth.offered = true;
    sp_put_string(packet_begin(c, SSH_MSG_SERVICE_ACCEPT), name);
    return packet_end(c);
}

/* Kept bounded by the output buffer: above its mark no further message of the client is handled. */
int on_ssh_ping(struct connection *c, struct sp_in *in)
{
    struct sp_span data = sp_get_string(in, PACKET_PAYLOAD_MAX);
    if (sp_get_end(in))
        return malformed(c, "PING");
    sp_put_string(packet_begin(c, SSH_MSG_PONG), data);
    return packet_end(c);
}
