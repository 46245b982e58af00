/*
 * Program -> client, and the poll entries of all channels. Input: pipes and terminals. Output: CHANNEL_DATA and
 * CHANNEL_EXTENDED_DATA (RFC 4254 section 5.2), read straight into packet frames.
 *
 * Nothing is read that cannot be sent at once: while the client's window is shut, or a key exchange or a full output
 * buffer is in the way, programs wait in their own write(2). Channels take turns, a packet of each stream at a time.
 */
#include <errno.h>

#include "worker/channel.h"
#include "worker/channel_input.h"
#include "worker/connection.h"
#include "worker/packet.h"

#define PUMP_TURN_MAX (512u * 1024u) /* octets per turn of the main loop */
#define READS_PER_PACKET 8           /* a terminal gives no more than 4 KiB at a time */

/* ---- one stream ------------------------------------------------------------------------------------------------- */

enum {
    STREAM_E_OVER = 1, /* end of file; for a terminal: nobody has its other side open (EIO) */
};

/* Reads until `room` is full or nothing more is there. 0 or STREAM_E_OVER; *size in any case. */
static int stream_read(struct channel_stream *stream, uint8_t *data, size_t room, size_t *size)
{
    for (int i = 0; i < READS_PER_PACKET && *size < room; i++) {
        ssize_t n = read(stream->fd, data + *size, room - *size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            stream->ready = false;
            return 0;
        }
        if (n <= 0)
            return STREAM_E_OVER;
        *size += (size_t)n;
    }
    return 0;
}

/*
 * The window is shut and poll says that the other side has hung up: whether something is left in the pipe is found out
 * with one octet, kept for the next packet. Without it the end of a program that a client gives no window would
 * never be seen.
 */
static int stream_peek(struct connection *c, struct channel *ch, struct channel_stream *stream)
{
    size_t size = 0;
    int r = stream_read(stream, &stream->held_octet, 1, &size);
    stream->held = size == 1;
    stream->ready = false;
    if (r != STREAM_E_OVER)
        return 0;
    channel_stream_close(ch, stream);
    return channel_settle(c, ch);
}

/* One packet. *sent: octets of data in it. */
static int stream_send(struct connection *c, struct channel *ch, struct channel_stream *stream,
                       uint32_t number, size_t *sent)
{
    size_t most = size_min(size_min(ch->peer_window, ch->peer_packet_max), PACKET_DATA_MAX);
    size_t room = 0, size = 0;
    uint8_t *data = packet_data_begin(c, ch->peer_number, number, most, &room);
    room = size_min(room, most);
    if (!data || room == 0)
        return data ? packet_data_commit(c, 0) : 0;
    if (stream->held)
        data[size++] = stream->held_octet;
    int over = stream_read(stream, data, room, &size);
    stream->held = false;
    ch->peer_window -= (uint32_t)size;
    ch->octets_out += size;
    *sent += size;
    int r = packet_data_commit(c, size);
    if (r || !over)
        return r;
    channel_stream_close(ch, stream);
    return channel_settle(c, ch);
}

static int stream_pump(struct connection *c, struct channel *ch, struct channel_stream *stream,
                       uint32_t number, size_t *sent)
{
    if (stream->fd < 0 || !(stream->ready || stream->held) || !packet_may_send_data(c))
        return 0;
    if (ch->peer_window != 0)
        return stream_send(c, ch, stream, number, sent);
    return stream->held ? 0 : stream_peek(c, ch, stream);
}

/* ---- all channels ------------------------------------------------------------------------------------------------ */

int channels_pump(struct connection *c)
{
    struct channels *channels = &c->channels;
    size_t total = 0;
    for (uint32_t idle = 0; idle < channels->most && total < PUMP_TURN_MAX && packet_may_send_data(c);
         idle++) {
        struct channel *ch = &channels->table[channels->turn];
        channels->turn = (channels->turn + 1) % channels->most;
        size_t sent = 0;
        if (!ch->used)
            continue;
        int r = stream_pump(c, ch, &ch->output, 0, &sent);
        if (!r)
            r = stream_pump(c, ch, &ch->error, SSH_EXTENDED_DATA_STDERR, &sent);
        if (r)
            return r;
        total += sent;
        if (sent)
            idle = UINT32_MAX; /* and 0 with the next step: all others have their turn again */
    }
    return 0;
}

/* ---- poll ---------------------------------------------------------------------------------------------------------- */

struct poll_list {
    struct pollfd *at;
    size_t count, most;
};

static void poll_add(struct poll_list *list, struct channel_stream *stream, short events)
{
    stream->poll_at = -1;
    if (stream->fd < 0 || list->count == list->most)
        return;
    stream->poll_at = (int)list->count;
    list->at[list->count++] = (struct pollfd){.fd = stream->fd, .events = events};
}

/* With a shut window only the end is of interest, which poll reports unasked; once an octet is held, not even that. */
static void poll_add_output(struct poll_list *list, const struct channel *ch, struct channel_stream *stream)
{
    if (ch->peer_window != 0)
        poll_add(list, stream, POLLIN);
    else if (!stream->held)
        poll_add(list, stream, 0);
    else
        stream->poll_at = -1;
}

/* A pipe is watched for its reader's end even with nothing to write, so that the client is told early; a terminal's end
 * is seen on its output. */
static void poll_add_input(struct poll_list *list, const struct channel *ch, struct channel_stream *stream)
{
    if (ch->queued != 0)
        poll_add(list, stream, POLLOUT);
    else if (!ch->terminal)
        poll_add(list, stream, 0);
    else
        stream->poll_at = -1;
}

size_t channels_poll_fill(struct connection *c, struct pollfd *polls, size_t most)
{
    struct poll_list list = {.at = polls, .most = most};
    bool sends = packet_may_send_data(c);
    for (uint32_t i = 0; i < c->channels.most; i++) {
        struct channel *ch = &c->channels.table[i];
        if (!ch->used)
            continue;
        poll_add_input(&list, ch, &ch->input);
        ch->output.poll_at = ch->error.poll_at = -1;
        if (sends) {
            poll_add_output(&list, ch, &ch->output);
            poll_add_output(&list, ch, &ch->error);
        }
    }
    return list.count;
}

/* What poll said about a stream; 0 if it was not asked, or the descriptor is another by now. */
static short poll_result(const struct channel_stream *stream, const struct pollfd *polls, size_t count)
{
    size_t at = (size_t)stream->poll_at;
    if (stream->poll_at < 0 || stream->fd < 0 || at >= count || polls[at].fd != stream->fd)
        return 0;
    return polls[at].revents;
}

static int input_dispatch(struct connection *c, struct channel *ch, short events)
{
    int r = 0;
    if (events == 0)
        return 0;
    if (ch->queued != 0)
        r = channel_input_flush(c, ch);
    else if (!ch->terminal)
        r = channel_input_fail(c, ch);
    return r ? r : channel_settle(c, ch);
}

int channels_poll_dispatch(struct connection *c, const struct pollfd *polls, size_t count)
{
    for (uint32_t i = 0; i < c->channels.most; i++) {
        struct channel *ch = &c->channels.table[i];
        if (!ch->used)
            continue;
        ch->output.ready |= poll_result(&ch->output, polls, count) != 0;
        ch->error.ready |= poll_result(&ch->error, polls, count) != 0;
        int r = input_dispatch(c, ch, poll_result(&ch->input, polls, count));
        if (r)
            return r;
    }
    return channels_pump(c);
}
