/*
 * The dispatcher. Input: payloads of the client, authenticated and decrypted, in order. Output: one call of the
 * handler that ssh_messages.def names, if the row permits the message in this phase and at this point of a key
 * exchange. Nothing else in the worker decides whether a message is legal.
 */
#include "worker/dispatch.h"

#include "worker/connection.h"
#include "worker/global_request.h"
#include "worker/kex.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"
#include "worker/transport_messages.h"

struct dispatch_row {
    const char *name;
    unsigned allowed;
    int (*handler)(struct connection *c, struct sp_in *in);
};

#define SSH_MESSAGE(number_, name_, handler_, allowed_, section_)                                            \
    [number_] = {.name = #name_, .allowed = (allowed_), .handler = (handler_)},
static const struct dispatch_row rows[256] = {
#include "worker/ssh_messages.def"
};
#undef SSH_MESSAGE

enum dispatch_verdict dispatch_judge(uint8_t number, unsigned phase, bool in_kex)
{
    const struct dispatch_row *row = &rows[number];
    /* The first exchange is strict for every client, whether it says kex-strict or not. */
    if (!row->handler)
        return in_kex || phase == PHASE_START ? DISPATCH_END : DISPATCH_UNIMPLEMENTED;
    if (!(row->allowed & phase) || (in_kex && !(row->allowed & SSH_DURING_KEX)))
        return DISPATCH_END;
    return DISPATCH_HANDLE;
}

const char *dispatch_name(uint8_t number)
{
    return rows[number].name;
}

static int unimplemented_send(struct connection *c)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_UNIMPLEMENTED);
    sp_put_u32(out, c->transport.in.sequence - 1); /* counted when the packet was opened */
    return packet_end(c);
}

static int refuse(struct connection *c, uint8_t number)
{
    const char *name = dispatch_name(number);
    return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "message %u%s%s%s is not allowed now", number,
                           name ? " (" : "", name ? name : "", name ? ")" : "");
}

/* The packet that followed a wrong guess (RFC 4253 section 7): one, and of the key exchange. */
static bool drop_guessed(struct connection *c, uint8_t number)
{
    bool drop = c->transport.kex.ignore_next && number >= SSH_KEX_FIRST && number <= SSH_KEX_LAST;
    if (drop)
        c->transport.kex.ignore_next = false;
    return drop;
}

int dispatch_message(struct connection *c, struct sp_span payload)
{
    struct sp_in in = sp_in_of(payload);
    uint8_t number = sp_get_u8(&in);
    if (drop_guessed(c, number))
        return 0;
    switch (dispatch_judge(number, c->phase, c->transport.kex.step >= KEX_AGREED)) {
    case DISPATCH_HANDLE:
        return rows[number].handler(c, &in);
    case DISPATCH_UNIMPLEMENTED:
        return unimplemented_send(c);
    case DISPATCH_END:
        break;
    }
    return refuse(c, number);
}
