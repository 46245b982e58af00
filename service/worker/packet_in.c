/*
 * Packets of the client. Input: its socket. Output: payloads, in place unless compressed, to dispatch.c. One buffer, as
 * much as fits per read(2), many packets per read; what is left of a packet moves to the front before the next read.
 */
#include "worker/packet_in.h"

#include <errno.h>
#include <unistd.h>

#include "worker/compression.h"
#include "worker/connection.h"
#include "worker/frame.h"

/* A client that has not logged in is read no faster than its largest packet needs. */
static size_t input_limit(const struct connection *c)
{
    return c->phase == PHASE_LOGIN ? INPUT_SIZE : INPUT_SIZE_EARLY;
}

static void input_compact(struct transport_input *input)
{
    size_t left = input->end - input->start;
    if (input->start == 0)
        return;
    memmove(input->bytes, input->bytes + input->start, left);
    input->start = 0;
    input->end = left;
}

bool packet_has_room(const struct connection *c)
{
    const struct transport_input *input = &c->transport.input;
    return !input->eof && input->end - input->start < input_limit(c);
}

int packet_read(struct connection *c)
{
    struct transport_input *input = &c->transport.input;
    input_compact(input);
    ssize_t got = read(c->socket, input->bytes + input->end, input_limit(c) - input->end);
    if (got > 0) {
        input->end += (size_t)got;
        return 0;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got < 0 && errno != ECONNRESET && errno != ETIMEDOUT && errno != EPIPE)
        return -errno;
    c->end_by_reset = got < 0;
    input->eof = true;
    return 0;
}

/* One text for a wrong tag and a wrong length: which of them it was helps only who forges packets. */
static int frame_refused(struct connection *c, int r)
{
    if (r < 0)
        return r;
    if (r == FRAME_E_WORN)
        return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, "new keys were not agreed on in time");
    if (r == FRAME_E_PADDING)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR,
                               "packet without payload or with bad padding");
    if (!c->transport.in.keys.cipher)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "bad packet length");
    return connection_fail(c, SSH_DISCONNECT_MAC_ERROR, "corrupt packet");
}

int packet_next(struct connection *c, struct sp_span *payload)
{
    struct transport_input *input = &c->transport.input;
    struct frame_read frame;
    int r = frame_open(&c->transport.in, input->bytes + input->start, input->end - input->start,
                       &input->length, &frame);
    if (r == FRAME_E_MORE)
        return PACKET_E_MORE;
    if (r)
        return frame_refused(c, r);
    input->start += frame.size;
    *payload = frame.payload;
    return compression_unpack(c, payload);
}
