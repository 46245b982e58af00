/*
 * Packets to the client. Input: messages and bulk data of every subject of the worker, written straight into their
 * frames. Output: its socket, many packets per write(2). RFC 4253 section 6, and section 7.1 for what may be sent
 * while a key exchange is under way.
 */
#include "worker/packet_out.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "worker/compression.h"
#include "worker/connection.h"
#include "worker/frame.h"
#include "worker/ssh_numbers.h"

/* Between our KEXINIT and our NEWKEYS only the transport itself may speak. */
static bool is_between_keys(const struct connection *c)
{
    enum kex_step step = c->transport.kex.step;
    return step >= KEX_OFFERED && step <= KEX_SIGNING;
}

/* RFC 4253 section 7.1: 1 to 19 but SERVICE_REQUEST and SERVICE_ACCEPT, and 20 to 49. */
static bool must_be_kept(const struct connection *c, uint8_t number)
{
    bool of_kex = number < SSH_MSG_USERAUTH_REQUEST && number != SSH_MSG_SERVICE_REQUEST &&
                  number != SSH_MSG_SERVICE_ACCEPT;
    return is_between_keys(c) && !of_kex;
}

/* RFC 4253 section 6 wants random padding; a page of it at a time costs next to nothing. */
static int padding_take(struct transport *t, size_t size, struct sp_span *padding)
{
    if (t->padding_left < size) {
        if (getrandom(t->padding, sizeof t->padding, 0) != (ssize_t)sizeof t->padding)
            return -EIO;
        t->padding_left = sizeof t->padding;
    }
    t->padding_left -= size;
    *padding = sp_span_of(t->padding + t->padding_left, size);
    return 0;
}

/* The remainder moves to the front only when the end of the buffer is near, which a client that reads never sees. */
static void output_make_room(struct transport_output *output, size_t size)
{
    if (output->start == 0 || OUTPUT_SIZE - output->end >= size)
        return;
    memmove(output->bytes, output->bytes + output->start, output->end - output->start);
    output->end -= output->start;
    output->start = 0;
}

static void frame_begin(struct connection *c)
{
    struct transport_output *output = &c->transport.output;
    size_t around = FRAME_OVERHEAD + compression_growth(c);
    output_make_room(output, PACKET_PAYLOAD_MAX + around);
    size_t room = OUTPUT_SIZE - output->end;
    output->keeping = false;
    output->frame = output->end;
    output->payload = (struct sp_out){
        .data = output->bytes + output->end + FRAME_HEAD,
        .capacity = room > around ? size_min(room - around, PACKET_PAYLOAD_MAX) : 0,
    };
}

static void kept_begin(struct transport_output *output)
{
    size_t room = KEPT_SIZE - output->kept_size;
    output->keeping = true;
    output->payload = (struct sp_out){
        .data = output->kept + output->kept_size + 4,
        .capacity = room > 4 ? size_min(room - 4, PACKET_PAYLOAD_MAX) : 0,
    };
}

struct sp_out *packet_begin(struct connection *c, uint8_t number)
{
    struct transport_output *output = &c->transport.output;
    if (must_be_kept(c, number))
        kept_begin(output);
    else
        frame_begin(c);
    sp_put_u8(&output->payload, number);
    return &output->payload;
}

static int frame_end(struct connection *c, size_t payload_size)
{
    struct transport *t = &c->transport;
    struct sp_span padding;
    size_t size;
    int r = compression_pack(c, t->output.bytes + t->output.frame + FRAME_HEAD, &payload_size);
    if (r == 0)
        r = padding_take(t, frame_padding(&t->out.keys, payload_size), &padding);
    if (r == 0)
        r = frame_seal(&t->out, t->output.bytes + t->output.frame, payload_size, padding, &size);
    if (r == FRAME_E_WORN)
        return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, "new keys were not agreed on in time");
    if (r)
        return r;
    t->output.end = t->output.frame + size;
    return 0;
}

static int kept_end(struct transport_output *output)
{
    struct sp_out size = {.data = output->kept + output->kept_size, .capacity = 4};
    sp_put_u32(&size, (uint32_t)output->payload.size);
    output->kept_size += 4 + output->payload.size;
    return 0;
}

int packet_end(struct connection *c)
{
    struct transport_output *output = &c->transport.output;
    if (output->payload.full)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION,
                               "the client makes work faster than it reads answers");
    return output->keeping ? kept_end(output) : frame_end(c, output->payload.size);
}

int packet_send_kept(struct connection *c)
{
    struct transport_output *output = &c->transport.output;
    struct sp_in in = sp_in_of(sp_span_of(output->kept, output->kept_size));
    assert(!is_between_keys(c));
    while (in.left != 0) {
        struct sp_span payload = sp_get_string(&in, PACKET_PAYLOAD_MAX);
        frame_begin(c);
        sp_put_raw(&output->payload, payload);
        int r = packet_end(c);
        if (r)
            return r;
    }
    explicit_bzero(output->kept, output->kept_size);
    output->kept_size = 0;
    return 0;
}

int packet_put_line(struct connection *c, struct sp_span line)
{
    struct transport_output *output = &c->transport.output;
    output_make_room(output, line.size);
    if (OUTPUT_SIZE - output->end < line.size)
        return -ENOBUFS;
    memcpy(output->bytes + output->end, line.data, line.size);
    output->end += line.size;
    c->transport.out.total += line.size;
    return 0;
}

bool packet_may_send_data(const struct connection *c)
{
    return !c->ending && !is_between_keys(c) && c->transport.output.end < OUTPUT_DATA_MARK;
}

/* RFC 4254 section 5.2: byte, recipient channel, (data type,) and the string's length. */
static size_t data_head(uint32_t stream)
{
    return stream != 0 ? 13 : 9;
}

uint8_t *packet_data_begin(struct connection *c, uint32_t peer_channel, uint32_t stream, size_t most,
                           size_t *room)
{
    struct transport_output *output = &c->transport.output;
    struct sp_out *out = packet_begin(c, stream != 0 ? SSH_MSG_CHANNEL_EXTENDED_DATA : SSH_MSG_CHANNEL_DATA);
    assert(!output->keeping);
    sp_put_u32(out, peer_channel);
    if (stream != 0)
        sp_put_u32(out, stream);
    *room = size_min(most, PACKET_DATA_MAX);
    return output->payload.data + data_head(stream);
}

int packet_data_commit(struct connection *c, size_t size)
{
    struct sp_out *out = &c->transport.output.payload;
    if (size == 0)
        return 0;
    sp_put_u32(out, (uint32_t)size);
    assert(out->capacity - out->size >= size && size <= PACKET_DATA_MAX);
    return frame_end(c, out->size + size);
}

size_t packet_waiting(const struct connection *c)
{
    return c->transport.output.end - c->transport.output.start;
}

int packet_flush(struct connection *c)
{
    struct transport_output *output = &c->transport.output;
    if (packet_waiting(c) == 0)
        return 0;
    ssize_t sent = write(c->socket, output->bytes + output->start, packet_waiting(c));
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT)) {
        c->end_by_reset = true;
        return connection_ended_by_peer(c, 0, sp_text("the client went away"));
    }
    if (sent < 0)
        return -errno;
    output->start += (size_t)sent;
    if (output->start == output->end)
        output->start = output->end = 0;
    return 0;
}
