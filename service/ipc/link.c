/*
 * Links between programs. Input: datagrams from a peer program, which is not trusted (a worker least of all). Output:
 * messages that fit their row in messages.def, to the caller's handler; or a complaint, and the peer is to be ended.
 */
#include "ipc/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/fd.h"

struct link_queued {
    struct link_queued *next;
    int fds[LINK_DESCRIPTORS_MAX];
    size_t fd_count;
    size_t size;
    uint8_t bytes[];
};

static void queued_free(struct link_queued *item)
{
    for (size_t i = 0; i < item->fd_count; i++)
        close(item->fds[i]);
    explicit_bzero(item->bytes, item->size);
    free(item);
}

void link_init(struct link *link, int fd, enum ipc_role self, enum ipc_role peer)
{
    *link = (struct link){.fd = fd, .self = self, .peer = peer};
    fd_set_nonblocking(fd);
    fd_set_cloexec(fd);
}

void link_close(struct link *link)
{
    if (!link_is_open(link))
        return;
    close(link->fd);
    for (struct link_queued *item = link->first, *next; item; item = next) {
        next = item->next;
        queued_free(item);
    }
    *link = (struct link){.fd = -1};
}

const char *link_complaint(const struct link *link)
{
    return link->complaint;
}

static int complain(struct link *link, const char *what, const struct message_row *row)
{
    snprintf(link->complaint, sizeof link->complaint, "%s sent %s%s%s", role_name(link->peer), what,
             row ? " in " : "", row ? row->name : "");
    return LINK_E_ILLEGAL;
}

static bool role_fits(enum ipc_role declared, enum ipc_role actual)
{
    return declared == ROLE_ANY || declared == actual;
}

/* The number stands first, so that a wrong sender or phase is told from a wrong form. */
static int message_check(struct link *link, unsigned phase, struct link_inbox *inbox)
{
    struct sp_in in = sp_in_of(sp_span_of(inbox->bytes, inbox->size));
    unsigned number = sp_get_u16(&in);
    const struct message_row *row = in.bad ? NULL : message_find(number);
    if (!row)
        return complain(link, "an unknown message", NULL);
    if (!role_fits(row->from, link->peer) || !role_fits(row->to, link->self))
        return complain(link, "what is not its to send", row);
    if (!(row->phases & phase))
        return complain(link, "a message out of phase", row);
    if (row->descriptors != inbox->fd_count)
        return complain(link, "the wrong number of descriptors", row);
    if (message_decode(row, sp_span_of(in.at, in.left), &inbox->body))
        return complain(link, "malformed fields", row);
    inbox->row = row;
    return 0;
}

/* Room for more descriptors than any row has, so that strays are seen, counted and closed rather than lost. */
#define STRAYS_MAX 16

static bool descriptors_collect(struct msghdr *header, struct link_inbox *inbox)
{
    bool stray = header->msg_flags & MSG_CTRUNC;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            stray = true;
            continue;
        }
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (inbox->fd_count < LINK_DESCRIPTORS_MAX) {
                inbox->fds[inbox->fd_count++] = fd;
            } else {
                close(fd);
                stray = true;
            }
        }
    }
    return !stray;
}

int link_receive(struct link *link, unsigned phase, struct link_inbox *inbox)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(STRAYS_MAX * sizeof(int))];
    } control;

    link_inbox_wipe(inbox);
    struct iovec iov = {.iov_base = inbox->bytes, .iov_len = sizeof inbox->bytes};
    struct msghdr header = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t got = recvmsg(link->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? LINK_E_AGAIN
               : errno == ECONNRESET             ? LINK_E_CLOSED
                                                 : -errno;
    bool clean = descriptors_collect(&header, inbox);
    if (got == 0 && inbox->fd_count == 0)
        return LINK_E_CLOSED;
    inbox->size = (size_t)got;
    int r = clean && !(header.msg_flags & MSG_TRUNC)
                ? message_check(link, phase, inbox)
                : complain(link, "an oversized message or stray descriptors", NULL);
    if (r)
        link_inbox_wipe(inbox);
    return r;
}

int link_wait(struct link *link, unsigned phase, struct link_inbox *inbox, int timeout_ms)
{
    for (;;) {
        struct pollfd p = {.fd = link->fd,
                           .events = (short)(POLLIN | (link_wants_write(link) ? POLLOUT : 0))};
        int ready = poll(&p, 1, timeout_ms);
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0)
            return LINK_E_AGAIN;
        if (ready > 0 && (p.revents & POLLOUT)) {
            int r = link_flush(link);
            if (r)
                return r;
        }
        int r = link_receive(link, phase, inbox);
        if (r != LINK_E_AGAIN)
            return r;
    }
}

int link_take_fd(struct link_inbox *inbox, size_t n)
{
    int fd = n < LINK_DESCRIPTORS_MAX ? inbox->fds[n] : -1;
    if (n < LINK_DESCRIPTORS_MAX)
        inbox->fds[n] = -1;
    return fd;
}

void link_inbox_wipe(struct link_inbox *inbox)
{
    for (size_t i = 0; i < inbox->fd_count; i++)
        if (inbox->fds[i] >= 0)
            close(inbox->fds[i]);
    explicit_bzero(inbox->bytes, inbox->size);
    inbox->size = 0;
    inbox->fd_count = 0;
    inbox->row = NULL;
}

static int datagram_send(int socket_fd, const uint8_t *bytes, size_t size, const int *fds, size_t fd_count)
{
    int r = fd_send(socket_fd, sp_span_of(bytes, size), fds, fd_count);
    if (r == -EAGAIN || r == -EINTR || r == -ENOBUFS)
        return LINK_E_AGAIN;
    return r == -EPIPE || r == -ECONNRESET ? LINK_E_CLOSED : r;
}

static int link_queue(struct link *link, const uint8_t *bytes, size_t size, const int *fds, size_t fd_count)
{
    if (link->queued_octets + size > LINK_QUEUE_MAX)
        return LINK_E_FULL;
    struct link_queued *item = calloc(1, sizeof *item + size);
    if (!item)
        return -ENOMEM;
    memcpy(item->bytes, bytes, size);
    item->size = size;
    for (size_t i = 0; i < fd_count; i++) {
        item->fds[i] = fd_duplicate(fds[i]);
        if (item->fds[i] < 0) {
            queued_free(item);
            return -EMFILE;
        }
        item->fd_count++;
    }
    if (link->last)
        link->last->next = item;
    else
        link->first = item;
    link->last = item;
    link->queued_octets += size;
    return 0;
}

static bool message_fits(const struct message_row *row, const void *message, struct sp_out *out)
{
    sp_put_u16(out, row->number);
    return message_encode(row, message, out) == 0;
}

static int message_send(struct link *link, const struct sp_out *out, const int *fds, size_t fd_count)
{
    int r = link->first ? LINK_E_AGAIN : datagram_send(link->fd, out->data, out->size, fds, fd_count);
    return r == LINK_E_AGAIN ? link_queue(link, out->data, out->size, fds, fd_count) : r;
}

static int large_send(struct link *link, const struct message_row *row, const void *message, const int *fds,
                      size_t fd_count)
{
    struct sp_out out = {.data = malloc(LINK_MESSAGE_MAX), .capacity = LINK_MESSAGE_MAX};
    if (!out.data)
        return -ENOMEM;
    int r = message_fits(row, message, &out) ? message_send(link, &out, fds, fd_count) : -EMSGSIZE;
    explicit_bzero(out.data, out.size);
    free(out.data);
    return r;
}

/* Most messages are small: the pages of a large one are touched only for a large one. */
#define MESSAGE_SMALL 2048u

int link_send_fds(struct link *link, enum msg_number number, const void *message, const int *fds,
                  size_t fd_count)
{
    uint8_t small[MESSAGE_SMALL];
    struct sp_out out = {.data = small, .capacity = sizeof small};
    const struct message_row *row = message_find(number);
    if (!link_is_open(link))
        return LINK_E_CLOSED;
    if (!row || row->descriptors != fd_count)
        return -EINVAL;
    bool fits = message_fits(row, message, &out);
    int r = fits ? message_send(link, &out, fds, fd_count) : large_send(link, row, message, fds, fd_count);
    explicit_bzero(small, out.size);
    return r;
}

bool link_wants_write(const struct link *link)
{
    return link->first != NULL;
}

int link_flush(struct link *link)
{
    while (link->first) {
        struct link_queued *item = link->first;
        int r = datagram_send(link->fd, item->bytes, item->size, item->fds, item->fd_count);
        if (r == LINK_E_AGAIN)
            return 0;
        if (r)
            return r;
        link->first = item->next;
        if (!link->first)
            link->last = NULL;
        link->queued_octets -= item->size;
        queued_free(item);
    }
    return 0;
}

int link_pair(int fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ? -errno : 0;
}
