/* Links: every message from every role, in every phase, with every number of descriptors; and what a bad peer does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sample.h"

static struct link_inbox inbox;

static const unsigned phases[] = {PHASE_START, PHASE_READY, PHASE_AUTH, PHASE_LOGIN, PHASE_CLOSING};

struct pair {
    struct link link; /* what is tested */
    int peer;         /* the bad peer's end */
};

static struct pair pair_open(enum ipc_role self, enum ipc_role peer)
{
    struct pair p;
    int fds[2];
    assert_int_equal(link_pair(fds), 0);
    link_init(&p.link, fds[0], self, peer);
    p.peer = fds[1];
    return p;
}

static void pair_close(struct pair *p)
{
    link_close(&p->link);
    close(p->peer);
    link_inbox_wipe(&inbox);
}

static int null_open(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void peer_send(int peer, const void *bytes, size_t size, size_t fd_count)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
    } control;
    int null = null_open(), fds[16];
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = null;
    if (fd_count != 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    assert_int_equal(sendmsg(peer, &header, MSG_DONTWAIT), size);
    close(null);
}

static int fds_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static bool fits(enum ipc_role declared, enum ipc_role actual)
{
    return declared == ROLE_ANY || declared == actual;
}

/* The whole table against itself: message x sender x receiver x phase. */
static void takes_exactly_what_the_table_allows(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        uint8_t bytes[LINK_MESSAGE_MAX];
        union msg_body body;
        sample_fill(row, &body, 3);
        size_t size = sample_encode(row, &body, bytes, sizeof bytes);
        for (enum ipc_role from = ROLE_MONITOR; from < ROLE_ANY; from++) {
            for (enum ipc_role to = ROLE_MONITOR; to < ROLE_ANY; to++) {
                struct pair p = pair_open(to, from);
                for (size_t k = 0; k < sizeof phases / sizeof phases[0]; k++) {
                    bool legal = fits(row->from, from) && fits(row->to, to) && (row->phases & phases[k]);
                    peer_send(p.peer, bytes, size, row->descriptors);
                    int r = link_receive(&p.link, phases[k], &inbox);
                    if (r != (legal ? 0 : LINK_E_ILLEGAL))
                        fail_msg("%s from %s to %s in %s: %d", row->name, role_name(from), role_name(to),
                                 phase_name(phases[k]), r);
                    assert_true(!legal || sample_equal(row, &inbox.body, &body));
                }
                pair_close(&p);
            }
        }
    }
}

static void rejects_any_other_number_of_descriptors(void **state)
{
    (void)state;
    int before = fds_open();
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        uint8_t bytes[LINK_MESSAGE_MAX];
        union msg_body body;
        enum ipc_role from = row->from == ROLE_ANY ? ROLE_WORKER : row->from;
        enum ipc_role to = row->to == ROLE_ANY ? ROLE_MONITOR : row->to;
        sample_fill(row, &body, 3);
        size_t size = sample_encode(row, &body, bytes, sizeof bytes);
        struct pair p = pair_open(to, from);
        for (size_t count = 0; count <= 16; count++) {
            peer_send(p.peer, bytes, size, count);
            int r = link_receive(&p.link, PHASE_ANY, &inbox);
            if (r != (count == row->descriptors ? 0 : LINK_E_ILLEGAL))
                fail_msg("%s with %zu descriptors: %d", row->name, count, r);
        }
        pair_close(&p);
    }
    assert_int_equal(fds_open(), before); /* strays are closed, not kept */
}

static void untaken_descriptors_are_closed(void **state)
{
    (void)state;
    uint8_t bytes[64];
    union msg_body body = {.prepare = {.generation = 1}};
    size_t size = sample_encode(message_find(MSG_configure), &body, bytes, sizeof bytes);
    struct pair p = pair_open(ROLE_SIGNER, ROLE_MONITOR);
    int before = fds_open();
    peer_send(p.peer, bytes, size, 1);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), 0);
    assert_int_equal(fds_open(), before + 1);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_AGAIN);
    assert_int_equal(fds_open(), before);
    peer_send(p.peer, bytes, size, 1);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), 0);
    int mine = link_take_fd(&inbox, 0);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_AGAIN);
    assert_int_equal(fds_open(), before + 1);
    assert_true(fcntl(mine, F_GETFD) & FD_CLOEXEC);
    close(mine);
    pair_close(&p);
}

static void rejects_garbage(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {{"\x00", 1}, {"\x00\x00", 2}, {"\xff\xff", 2}, {"\x00\x42\x00", 3}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p = pair_open(ROLE_MONITOR, ROLE_WORKER);
        peer_send(p.peer, rows[i].bytes, rows[i].size, 0);
        assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_ILLEGAL);
        assert_string_not_equal(link_complaint(&p.link), "");
        assert_null(inbox.row);
        pair_close(&p);
    }
}

static void an_empty_datagram_with_a_descriptor_is_no_end(void **state)
{
    (void)state;
    struct pair p = pair_open(ROLE_MONITOR, ROLE_WORKER);
    int before = fds_open();
    peer_send(p.peer, "", 0, 1);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_ILLEGAL);
    assert_int_equal(fds_open(), before);
    pair_close(&p);
}

static void rejects_a_datagram_over_the_limit(void **state)
{
    (void)state;
    uint8_t *bytes = calloc(1, LINK_MESSAGE_MAX + 1);
    union msg_body body;
    assert_non_null(bytes);
    sample_fill(message_find(MSG_ask_login), &body, 5);
    sample_encode(message_find(MSG_ask_login), &body, bytes, LINK_MESSAGE_MAX);
    struct pair p = pair_open(ROLE_MONITOR, ROLE_WORKER);
    peer_send(p.peer, bytes, LINK_MESSAGE_MAX + 1, 0);
    assert_int_equal(link_receive(&p.link, PHASE_READY, &inbox), LINK_E_ILLEGAL);
    pair_close(&p);
    free(bytes);
}

static void a_closed_peer_is_seen(void **state)
{
    (void)state;
    struct pair p = pair_open(ROLE_MONITOR, ROLE_WORKER);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_AGAIN);
    close(p.peer);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_CLOSED);
    assert_int_equal(link_send(&p.link, login_link), -EINVAL); /* without its descriptor */
    assert_int_equal(link_send(&p.link, end, .reason = 2), LINK_E_CLOSED);
    link_close(&p.link);
    assert_int_equal(link_send(&p.link, end, .reason = 2), LINK_E_CLOSED);
}

/* A peer that does not read costs a bounded amount of memory, and is then told apart. */
static void the_queue_has_a_bound(void **state)
{
    (void)state;
    struct pair p = pair_open(ROLE_MONITOR, ROLE_SIGNER);
    struct sp_span transcript = sample_bytes(49152);
    int r = 0;
    size_t sent = 0;
    while (r == 0 && sent < 1000) {
        r = link_send(&p.link, sign, .connection = sent, .transcript = transcript);
        sent += r == 0;
    }
    assert_int_equal(r, LINK_E_FULL);
    assert_true(link_wants_write(&p.link));
    assert_in_range(p.link.queued_octets, LINK_QUEUE_MAX / 2, LINK_QUEUE_MAX);
    pair_close(&p);
}

static void queued_messages_arrive_in_order_with_their_descriptors(void **state)
{
    (void)state;
    int fds[2];
    struct link ours, theirs;
    assert_int_equal(link_pair(fds), 0);
    link_init(&ours, fds[0], ROLE_MONITOR, ROLE_SIGNER);
    link_init(&theirs, fds[1], ROLE_SIGNER, ROLE_MONITOR);
    int null = null_open();
    uint64_t sent = 0, got = 0;
    while (!link_wants_write(&ours) || sent % 7 != 0)
        assert_int_equal(link_send_with(&ours, &null, 1, configure, .generation = sent++), 0);
    while (got < sent) {
        int r = link_receive(&theirs, PHASE_ANY, &inbox);
        if (r == LINK_E_AGAIN) {
            assert_int_equal(link_flush(&ours), 0);
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(inbox.body.configure.generation, got++);
        close(link_take_fd(&inbox, 0));
    }
    assert_false(link_wants_write(&ours));
    link_inbox_wipe(&inbox);
    close(null);
    link_close(&ours);
    link_close(&theirs);
}

static void closing_drops_the_queue_and_its_descriptors(void **state)
{
    (void)state;
    int before = fds_open();
    struct pair p = pair_open(ROLE_MONITOR, ROLE_SIGNER);
    int null = null_open();
    while (!link_wants_write(&p.link))
        assert_int_equal(link_send_with(&p.link, &null, 1, configure, .generation = 1), 0);
    pair_close(&p);
    close(null);
    assert_int_equal(fds_open(), before);
}

static void an_oversized_value_is_our_own_mistake(void **state)
{
    (void)state;
    struct pair p = pair_open(ROLE_MONITOR, ROLE_WORKER);
    assert_int_equal(link_send(&p.link, end, .reason = 2, .text = sample_bytes(513)), -EMSGSIZE);
    assert_int_equal(link_receive(&p.link, PHASE_ANY, &inbox), LINK_E_AGAIN);
    pair_close(&p);
}

static void a_wiped_inbox_holds_nothing(void **state)
{
    (void)state;
    uint8_t bytes[64];
    union msg_body body = {.auth_password = {.password = sample_bytes(20)}};
    size_t size = sample_encode(message_find(MSG_auth_password), &body, bytes, sizeof bytes);
    struct pair p = pair_open(ROLE_SESSION, ROLE_WORKER);
    peer_send(p.peer, bytes, size, 0);
    assert_int_equal(link_receive(&p.link, PHASE_AUTH, &inbox), 0);
    link_inbox_wipe(&inbox);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(inbox.bytes[i], 0);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_exactly_what_the_table_allows),
        cmocka_unit_test(rejects_any_other_number_of_descriptors),
        cmocka_unit_test(untaken_descriptors_are_closed),
        cmocka_unit_test(rejects_garbage),
        cmocka_unit_test(an_empty_datagram_with_a_descriptor_is_no_end),
        cmocka_unit_test(rejects_a_datagram_over_the_limit),
        cmocka_unit_test(a_closed_peer_is_seen),
        cmocka_unit_test(the_queue_has_a_bound),
        cmocka_unit_test(queued_messages_arrive_in_order_with_their_descriptors),
        cmocka_unit_test(closing_drops_the_queue_and_its_descriptors),
        cmocka_unit_test(an_oversized_value_is_our_own_mistake),
        cmocka_unit_test(a_wiped_inbox_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
