/*
 * Client -> program (RFC 4254 section 5.2). Input: CHANNEL_DATA. Output: write(2) on the program's standard input or
 * terminal, and WINDOW_ADJUST. See channel_input.h.
 */
#include "worker/channel_input.h"

#include <errno.h>

#include "base/loop.h"

#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

#define QUEUE_CAPACITY_FIRST 16384u
#define QUEUE_CAPACITY_KEPT 65536u /* an empty queue larger than this is given back */

/* ---- the queue: a ring ------------------------------------------------------------------------------------------ */

static void queue_free(struct channel *ch)
{
    if (ch->queue)
        explicit_bzero(ch->queue, ch->queue_capacity); /* passwords are typed here */
    free(ch->queue);
    ch->queue = NULL;
    ch->queue_capacity = ch->queue_first = ch->queued = 0;
}

/* The oldest octets that lie together. */
static struct sp_span queue_head(const struct channel *ch)
{
    size_t straight = ch->queue_capacity - ch->queue_first;
    return sp_span_of(ch->queue + ch->queue_first, size_min(straight, ch->queued));
}

static void queue_skip(struct channel *ch, size_t size)
{
    ch->queued -= size;
    ch->queue_first = ch->queued ? (ch->queue_first + size) % ch->queue_capacity : 0;
    if (ch->queued == 0 && ch->queue_capacity > QUEUE_CAPACITY_KEPT)
        queue_free(ch);
}

static void ring_put(uint8_t *ring, size_t capacity, size_t at, struct sp_span data)
{
    size_t straight = size_min(capacity - at, data.size);
    memcpy(ring + at, data.data, straight);
    memcpy(ring, data.data + straight, data.size - straight);
}

static int queue_reserve(struct channel *ch, size_t size)
{
    size_t capacity = ch->queue_capacity ? ch->queue_capacity : QUEUE_CAPACITY_FIRST;
    while (capacity < size)
        capacity *= 2;
    if (capacity == ch->queue_capacity)
        return 0;
    uint8_t *grown = malloc(capacity);
    if (!grown)
        return -ENOMEM;
    struct sp_span head = ch->queue ? queue_head(ch) : (struct sp_span){0};
    size_t rest = ch->queued - head.size;
    if (head.size)
        memcpy(grown, head.data, head.size);
    if (rest)
        memcpy(grown + head.size, ch->queue, rest);
    size_t queued = ch->queued;
    queue_free(ch);
    ch->queue = grown;
    ch->queue_capacity = capacity;
    ch->queued = queued;
    return 0;
}

/* The window has bounded what may be here: at most window_target, rounded up to a power of two. */
static int queue_add(struct channel *ch, struct sp_span data)
{
    int r = queue_reserve(ch, ch->queued + data.size);
    if (r)
        return r;
    size_t at = (ch->queue_first + ch->queued) & (ch->queue_capacity - 1);
    ring_put(ch->queue, ch->queue_capacity, at, data);
    ch->queued += data.size;
    return 0;
}

/* ---- the window --------------------------------------------------------------------------------------------------- */

/* A program that has drained a whole window deserves a larger one, while the connection's share lasts. */
static void window_grow(struct connection *c, struct channel *ch)
{
    struct channels *channels = &c->channels;
    if (ch->window_drained < ch->window_target || ch->window_target >= CHANNEL_WINDOW_MAX)
        return;
    size_t more = size_min(ch->window_target, CHANNEL_WINDOW_MAX - ch->window_target);
    more = size_min(more, (size_t)(CHANNELS_WINDOW_MAX - channels->window_extra));
    ch->window_target += (uint32_t)more;
    channels->window_extra += more;
    ch->window_drained = 0;
}

/*
 * Gives back what was drained, in steps of a quarter: a client that waits for a window as large as one packet, or never
 * lets the queue run empty, still gets on.
 */
static int window_refill(struct connection *c, struct channel *ch)
{
    uint32_t held = ch->window + (uint32_t)ch->queued;
    uint32_t grant = ch->window_target > held ? ch->window_target - held : 0;
    if (ch->eof_received || ch->close_sent || grant < CHANNEL_WINDOW_FIRST / 4 ||
        grant < ch->window_target / 4)
        return 0;
    ch->window += grant;
    struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_WINDOW_ADJUST);
    sp_put_u32(out, ch->peer_number); /* recipient channel */
    sp_put_u32(out, grant);           /* bytes to add */
    return packet_end(c);
}

static int window_drained(struct connection *c, struct channel *ch, size_t size)
{
    ch->window_drained += size;
    window_grow(c, ch);
    return window_refill(c, ch);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

enum {
    WRITE_E_CLOSED = 1, /* nobody reads at the other end */
};

/* As much as the descriptor takes. 0 or WRITE_E_CLOSED; *written in any case. */
static int stream_write(const struct channel_stream *stream, struct sp_span data, size_t *written)
{
    *written = 0;
    while (*written < data.size) {
        ssize_t n = write(stream->fd, data.data + *written, data.size - *written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : WRITE_E_CLOSED;
        *written += (size_t)n;
    }
    return 0;
}

/* A terminal has no end of file to be told of: it stays open until the program is over, as with OpenSSH. */
void channel_input_finish(struct connection *c, struct channel *ch)
{
    if (!ch->eof_received || ch->queued != 0 || ch->input.fd < 0)
        return;
    if (ch->terminal && !ch->close_received)
        return;
    channel_input_drop(c, ch);
}

void channel_input_drop(struct connection *c, struct channel *ch)
{
    ch->input_closed = true;
    queue_free(ch);
    channel_stream_close(ch, &ch->input);
}

/* eow@openssh.com (OpenSSH PROTOCOL 2.1) goes to OpenSSH's own clients, as others have choked on it. */
static bool client_knows_eow(const struct connection *c)
{
    struct sp_span version = sp_span_of(c->transport.v_c, c->transport.v_c_size);
    return version.size != 0 && memmem(version.data, version.size, "OpenSSH", 7) != NULL;
}

static int eow_send(struct connection *c, struct channel *ch)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_CHANNEL_REQUEST);
    sp_put_u32(out, ch->peer_number);
    sp_put_text(out, "eow@openssh.com");
    sp_put_bool(out, false); /* want reply */
    return packet_end(c);
}

int channel_input_fail(struct connection *c, struct channel *ch)
{
    int r = 0;
    if (ch->input_closed)
        return 0;
    channel_input_drop(c, ch);
    if (!ch->eof_received && !ch->close_sent && client_knows_eow(c))
        r = eow_send(c, ch);
    return r ? r : window_refill(c, ch);
}

int channel_input_flush(struct connection *c, struct channel *ch)
{
    size_t total = 0;
    int r = 0;
    while (ch->queued != 0 && ch->input.fd >= 0 && !r) {
        struct sp_span head = queue_head(ch);
        size_t written;
        r = stream_write(&ch->input, head, &written);
        queue_skip(ch, written);
        total += written;
        if (written < head.size)
            break;
    }
    if (r == WRITE_E_CLOSED)
        r = channel_input_fail(c, ch);
    channel_input_finish(c, ch);
    return r ? r : window_drained(c, ch, total);
}

/* ---- CHANNEL_DATA ----------------------------------------------------------------------------------------------------- */

static int data_take(struct connection *c, struct channel *ch, struct sp_span data)
{
    size_t written = 0;
    int r = 0;
    if (ch->input_closed)
        return window_refill(c, ch);
    if (ch->input.fd >= 0 && ch->queued == 0)
        r = stream_write(&ch->input, data, &written);
    if (r == WRITE_E_CLOSED)
        return channel_input_fail(c, ch);
    r = written == data.size ? 0 : queue_add(ch, sp_span_of(data.data + written, data.size - written));
    return r ? r : window_drained(c, ch, written);
}

/* What holds for data of either kind; counts it against the window. */
static int data_allow(struct connection *c, uint32_t number, struct sp_span data, struct channel **found)
{
    struct channel *ch = channel_find(c, number);
    if (!ch)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Data for a channel that is not open");
    if (ch->eof_received)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Channel data after EOF");
    if (data.size > PACKET_DATA_MAX)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR,
                               "Channel data beyond the maximum packet size");
    if (data.size > ch->window)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Channel data beyond the window");
    ch->window -= (uint32_t)data.size;
    ch->octets_in += data.size;
    c->channels.heard_ms = clock_ms();
    *found = ch;
    return 0;
}

int on_ssh_channel_data(struct connection *c, struct sp_in *in)
{
    struct channel *ch;
    uint32_t number = sp_get_u32(in);                  /* recipient channel */
    struct sp_span data = sp_get_string(in, in->left); /* data */
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel data");
    int r = data_allow(c, number, data, &ch);
    if (r || data.size == 0)
        return r;
    return data_take(c, ch, data);
}

/* A program has no second input: such data is counted, and dropped. */
int on_ssh_channel_extended_data(struct connection *c, struct sp_in *in)
{
    struct channel *ch;
    uint32_t number = sp_get_u32(in);
    sp_get_u32(in); /* data_type_code */
    struct sp_span data = sp_get_string(in, in->left);
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed channel data");
    int r = data_allow(c, number, data, &ch);
    return r ? r : window_refill(c, ch);
}
