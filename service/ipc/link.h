/*
 * A link: one SOCK_SEQPACKET socket between two programs, carrying the messages of messages.def and nothing else.
 *
 * Everything that arrives is checked against its row before a handler sees it: known number, sent by that peer to this
 * program, allowed in this phase, every field within its limit, no byte left over, exactly the descriptors declared.
 * Sending never blocks: what the socket does not take is queued up to a bound, and over the bound the link is broken.
 */
#pragma once

#include "ipc/codec.h"

#define LINK_MESSAGE_MAX (96u * 1024u) /* octets of any encoded message with its header */
#define LINK_DESCRIPTORS_MAX 3u
#define LINK_QUEUE_MAX (1024u * 1024u) /* octets waiting to be sent on one link */

enum {
    LINK_E_CLOSED = 1,   /* the peer has closed its end */
    LINK_E_AGAIN = 2,    /* nothing to receive now */
    LINK_E_ILLEGAL = 3,  /* the peer sent what it must not; link_complaint() says what. End that peer. */
    LINK_E_FULL = 4,     /* the peer does not read: the queue is at its bound. End that peer. */
};

struct link_queued;

struct link {
    int fd; /* owned; -1: no link */
    enum ipc_role self;
    enum ipc_role peer;
    struct link_queued *first, *last;
    size_t queued_octets;
    char complaint[160];
};

/*
 * Where messages are received: one per process, as no message outlives its handler. Wiped by link_inbox_wipe() after
 * anything secret.
 */
struct link_inbox {
    const struct message_row *row;
    union msg_body body; /* spans point into bytes[] */
    int fds[LINK_DESCRIPTORS_MAX];
    size_t fd_count; /* descriptors not yet taken with link_take_fd(); the next receive closes them */
    size_t size;
    uint8_t bytes[LINK_MESSAGE_MAX];
};

/* Takes `fd`, makes it non-blocking and close-on-exec. */
void link_init(struct link *link, int fd, enum ipc_role self, enum ipc_role peer);
/* Closes the socket and drops the queue; {0}-initialised or closed links are fine. */
void link_close(struct link *link);
static inline bool link_is_open(const struct link *link)
{
    return link->peer != ROLE_NONE && link->fd >= 0;
}

/*
 * Receives one message. `phase` is this program's view of the connection concerned (one PHASE_* bit, or PHASE_ANY
 * where rows say PHASE_ANY). 0: inbox->row and inbox->body are valid. LINK_E_CLOSED, _AGAIN, _ILLEGAL or -errno.
 */
int link_receive(struct link *link, unsigned phase, struct link_inbox *inbox) SP_MUST_USE;
/* As link_receive, but waits up to timeout_ms (-1: for ever) for something to arrive. */
int link_wait(struct link *link, unsigned phase, struct link_inbox *inbox, int timeout_ms) SP_MUST_USE;
/* The n-th descriptor of the message, now owned by the caller. */
int link_take_fd(struct link_inbox *inbox, size_t n);
/* Forgets a message: closes descriptors that nobody took, and wipes its bytes. */
void link_inbox_wipe(struct link_inbox *inbox);
const char *link_complaint(const struct link *link);

/*
 * Sends a message; `message` is the struct msg_<name> of `number`. Descriptors stay the caller's (they are duplicated
 * into the message). 0, LINK_E_CLOSED, LINK_E_FULL or -errno. A message that breaks its own row's limits is
 * -EMSGSIZE: a bug or an oversized peer value the caller failed to bound.
 */
int link_send_fds(struct link *link, enum msg_number number, const void *message, const int *fds,
                  size_t fd_count) SP_MUST_USE;
static inline SP_MUST_USE int link_send_raw(struct link *link, enum msg_number number, const void *message)
{
    return link_send_fds(link, number, message, NULL, 0);
}
/* link_send(&link, start_login, .connection = 3): the struct is filled in place, so a wrong field does not compile. */
#define link_send(link_, name_, ...)                                                                         \
    link_send_raw((link_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__})
#define link_send_with(link_, fds_, count_, name_, ...)                                                      \
    link_send_fds((link_), MSG_##name_, &(const struct msg_##name_){__VA_ARGS__}, (fds_), (count_))

/* Whether something waits for the socket to become writable (poll for it), and the call to make then. */
bool link_wants_write(const struct link *link);
int link_flush(struct link *link) SP_MUST_USE;

/* A connected pair for two programs to be: 0 or -errno. */
int link_pair(int fds[2]) SP_MUST_USE;
