/*
 * Channels (RFC 4254): a fixed table of "session" channels, each with at most one program. This header has
 * the state and what the main loop and the other files of the subject call.
 *
 *   channel.c          open, window adjust, EOF and CLOSE: the life of a channel
 *   channel_request.c  CHANNEL_REQUEST and the replies in their order
 *   channel_program.c  what the login process says of programs
 *   channel_input.c    client -> program: the queue, and the window that bounds it
 *   pump.c             program -> client, fairly; and the poll entries of all channels
 */
#pragma once

#include <poll.h>
#include <sallyport/wire.h>

#include "base/util.h"

struct connection;
union msg_body;

#define CHANNELS_MAX 256u        /* whatever the configuration says */
#define CHANNEL_REQUESTS_MAX 64u /* requests of one channel without a reply yet */
#define CHANNEL_POLLS 3u         /* poll entries that one channel may need */
#define CHANNELS_POLL_MAX (CHANNELS_MAX * CHANNEL_POLLS)
#define CHANNEL_WINDOW_FIRST 65536u    /* octets we take before a program has drained any */
#define CHANNEL_WINDOW_MAX (4u << 20)  /* to this a window may grow */
#define CHANNELS_WINDOW_MAX (8u << 20) /* and all windows of a connection together, beyond the first */

/* What only a server sends; the others are in ssh_numbers.h. */
enum {
    SSH_MSG_CHANNEL_OPEN_CONFIRMATION = 91,
    SSH_MSG_CHANNEL_OPEN_FAILURE = 92,
};

#define SSH_EXTENDED_DATA_STDERR 1u

/* What a request that the login process answers is about. */
enum channel_subject {
    CHANNEL_ABOUT_ENV,
    CHANNEL_ABOUT_PTY,
    CHANNEL_ABOUT_RUN,
    CHANNEL_ABOUT_BREAK,
};

/* One end of a program: a descriptor of ours, non-blocking. */
struct channel_stream {
    int fd;     /* -1: closed or not there yet */
    bool ready; /* poll said so, and no read has come back short since */
    bool held;  /* one octet was read while the peer's window was shut, to see whether the end is near */
    uint8_t held_octet;
    int poll_at; /* index of its entry in the last channels_poll_fill(); -1: none */
};

/* A request that waits for its answer, or for those before it to be answered. */
struct channel_reply {
    bool want;  /* the client wants to know */
    bool known; /* `ok` says what */
    bool ok;
    uint8_t about; /* enum channel_subject */
};

struct channel {
    bool used;
    /* The peer's view: RFC 4254 section 5.1. */
    uint32_t number; /* ours: the index in the table */
    uint32_t peer_number;
    uint32_t peer_window;     /* octets that we may still send */
    uint32_t peer_packet_max; /* octets of data in one packet */
    bool eof_sent, close_sent, eof_received, close_received;
    bool told; /* the login process has heard of this channel */

    /* Requests without a reply, oldest first: a ring. */
    struct channel_reply replies[CHANNEL_REQUESTS_MAX];
    uint16_t reply_first, reply_count;
    uint16_t unanswered; /* answers that the login process still owes for this number */

    /* The program. */
    bool pty_asked, run_asked, started, terminal, exited;
    uint8_t kind;    /* enum program_kind */
    uint64_t serial; /* the login process's, once started */
    bool size_waits; /* window-change before the terminal is ours */
    uint16_t rows, columns, width_px, height_px;
    struct channel_stream output, error; /* read ends, or the terminal in `output` */
    struct channel_stream input;         /* write end, or the terminal again */

    /* Client -> program. window + queued never exceeds window_target. */
    uint32_t window; /* octets that the peer may still send */
    uint32_t window_target;
    uint64_t window_drained; /* octets drained since the target last grew */
    bool input_closed;       /* nobody reads any more: what comes is dropped */
    uint8_t *queue;          /* owned ring of queue_capacity octets */
    size_t queue_capacity, queue_first, queued;

    uint64_t octets_in, octets_out;
};

struct channels {
    struct channel *table; /* owned; NULL before LOGIN */
    uint32_t most;         /* entries in table */
    uint32_t turn;         /* whose turn it is in the pump */
    uint64_t window_extra; /* sum of window_target beyond CHANNEL_WINDOW_FIRST */
    bool no_more_sessions;
    uint32_t replies_due; /* entries in all rings of replies: at most CHANNEL_REQUESTS_MAX */

    uint64_t heard_ms; /* when the client last had data for a channel, or logged in; 0: never */

    /* ClientAliveInterval: global_request.h. */
    uint64_t alive_due_ms;
    uint32_t alive_unanswered;
    bool alive_heard;
};

/* Handlers of ssh_messages.def. */
int on_ssh_channel_open(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_window_adjust(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_data(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_extended_data(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_eof(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_close(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_request(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_channel_reply(struct connection *c, struct sp_in *in) MUST_USE;

/*
 * For the main loop. Before each poll: entries for all descriptors that have something to wait for, at most
 * `most` (CHANNELS_POLL_MAX is always enough); returns how many. After it, with the same array: reads and
 * writes what can be, fairly and bounded. SIGPIPE has to be ignored. All are fine before LOGIN: there are no
 * channels then.
 */
size_t channels_poll_fill(struct connection *c, struct pollfd *polls, size_t most);
int channels_poll_dispatch(struct connection *c, const struct pollfd *polls, size_t count) MUST_USE;
/* Data may be sent again: program output goes on where it stopped. */
int channels_pump(struct connection *c) MUST_USE;
/* The connection ends: closes every descriptor and frees the table. Nothing is sent. */
void channels_close_all(struct connection *c);

/* The user has logged in and may have `most` channels, none if 0: 0 or -ENOMEM. */
int channels_open_table(struct connection *c, uint32_t most) MUST_USE;
/* channel_* of the login process; called by on_session_message(). channel_program.c */
int channel_on_answer(struct connection *c, unsigned number, const union msg_body *body) MUST_USE;

/* ---- between the files of the subject ---- */

/* The channel of that number of ours, unless the client has closed it; NULL: there is none. */
struct channel *channel_find(struct connection *c, uint32_t number);
/* Sends EOF and CLOSE as soon as they are due, and gives the number back. *ch may be unused afterwards. */
int channel_settle(struct connection *c, struct channel *ch) MUST_USE;
/* Closes a stream; a terminal, which is two streams of one descriptor, with its last one. */
void channel_stream_close(struct channel *ch, struct channel_stream *stream);
/* Nothing of the program's output is wanted any more, or there is none. */
static inline bool channel_output_is_over(const struct channel *ch)
{
    return ch->output.fd < 0 && ch->error.fd < 0;
}
/* For debugging. */
void channel_log(struct connection *c, const struct channel *ch, const char *what);
