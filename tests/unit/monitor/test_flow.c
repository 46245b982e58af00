/* The life of connections and generations in a real monitor, whose every peer is played here; well, and badly. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "ipc/log.h"

#include "rig.h"

/* ---- as it should be --------------------------------------------------------------------------------------- */

static void a_connection_goes_through_its_phases(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 0x11);
    rig_name(r, &c, "alice");
    assert_int_equal(link_send(&c.session, login_attempt, .method = sp_text("publickey"),
                               .result = LOGIN_ACCEPTED, .detail = sp_text("SHA256:x")),
                     0);
    rig_log_in(r, &c, "alice");
    rig_log_wait(r, "\"login\"");
    /* a rekey: the first H stays the session id */
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("second")), 0);
    const struct msg_sign *sign = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
    assert_false(sign->first);
    assert_int_equal(sign->session_id.size, 32);
    assert_int_equal(sign->session_id.data[31], 0x11);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_done, .connection = c.id, .h = sp_text("other"),
                               .signature = sp_text("s"), .host_key = sp_text("k")),
                     0);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_signature);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("third")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.session_id.data[0],
                     0x11);
    assert_int_equal(link_send(&c.worker, ended, .reason = 11, .by_peer = true, .text = sp_text("bye"),
                               .octets_in = 123, .octets_out = 456, .rekeys = 1),
                     0);
    link_close(&c.worker);
    rig_expect_end(r, &c.session);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_abandon)->abandon.connection, c.id);
    rig_log_wait(r, "Accepted publickey for alice from 127.0.0.1 port ");
    rig_log_wait(r, "\"octets_in\":\"123\",\"octets_out\":\"456\",\"rekeys\":\"1\"");
    rig_log_wait(r, "\"client_version\":\"n0\",\"kex\":\"n1\"");
    rig_hang_up(&c);
    rig_close(r);
}

static void serves_by_the_policy_of_the_address(void **state)
{
    char path[] = "/tmp/sallyport-policy.XXXXXX", lines[256];
    struct rig_connection c = {.session.fd = -1, .worker_session = -1, .session_worker = -1};
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(dprintf(fd, "Ciphers aes256-gcm@openssh.com\n"), 31);
    assert_int_equal(fchmod(fd, 0644), 0);
    close(fd);
    snprintf(lines, sizeof lines,
             "Match Address 192.0.2.0/24\nPolicy DEFAULT\nMatch Address 127.0.0.0/8\nPolicy %s\n", path);
    struct rig *r = rig_open(lines);
    c.client = rig_dial(r);
    const struct msg_serve *serve = &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_serve)->serve;
    assert_true(sp_span_is(serve->policy, path));
    rig_close(r);
    close(c.client);
    unlink(path);
}

static void the_signer_hears_the_addresses_and_what_it_negotiated_first(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 0x11);
    rig_name(r, &c, "alice");
    rig_log_in(r, &c, "alice");
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("rekey")), 0);
    const struct msg_sign *sign = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
    assert_true(sp_span_is(sign->remote_address, "127.0.0.1"));
    assert_true(sp_span_is(sign->local_address, "127.0.0.1"));
    assert_int_equal(sign->local_port, r->port);
    assert_int_equal(sign->negotiated.size, 9 * 6); /* as the signer had said it */
    rig_hang_up(&c);
    rig_close(r);
}

static void reports_and_exceptions_are_written_with_their_connection(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], policy_report, .connection = c.id,
                               .policy = sp_text("NEXT"), .what = sp_text("KexAlgorithms"),
                               .detail = sp_text("no common key exchange method")),
                     0);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], policy_exception, .connection = c.id,
                               .policy = sp_text("SITE"), .what = sp_text("cipher"),
                               .name = sp_text("aes128-ctr"), .origin = sp_text("SITE.policy line 3"),
                               .not_after = 0),
                     0);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], policy_report, .connection = 1, .what = sp_text("nobody's")), 0);
    rig_log_wait(r, "\"event\":\"policy_report\"");
    rig_log_wait(r, "Policy NEXT would refuse 127.0.0.1 port");
    rig_log_wait(r, "\"event\":\"policy_exception\"");
    rig_log_wait(r, "\"origin\":\"SITE.policy line 3\"");
    assert_int_equal(rig_log_count(r, "nobody's"), 0);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_refusal_is_written_with_the_signers_fields(void **state)
{
    static const uint8_t fields[] = "\0\0\0\4list\0\0\0\7Ciphers";
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_refused, .connection = c.id, .reason = 3,
                               .text = sp_text("no common cipher"), .why = sp_text("aes128-ctr is out"),
                               .fields = sp_span_of(fields, sizeof fields - 1)),
                     0);
    rig_log_wait(r, "\"list\":\"Ciphers\"");
    rig_log_wait(r, "\"why\":\"aes128-ctr is out\"");
    rig_hang_up(&c);
    rig_close(r);
}

static void the_first_sign_says_that_it_is_the_first(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    const struct msg_sign *sign = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
    assert_true(sign->first);
    assert_int_equal(sign->session_id.size, 0);
    assert_int_equal(sign->generation, 1);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_refused, .connection = c.id, .reason = 3,
                               .text = sp_text("no common algorithm"), .why = sp_text("kex")),
                     0);
    const struct msg_end *end = &rig_expect(r, &c.worker, PHASE_START, MSG_end)->end;
    assert_int_equal(end->reason, 3);
    assert_true(sp_span_is(end->text, "no common algorithm"));
    rig_hang_up(&c);
    rig_close(r);
}

static void login_is_seen_before_what_follows_from_it(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    for (int i = 0; i < 20; i++) { /* a matter of order: once would prove little */
        struct rig_connection c;
        rig_connect(r, &c);
        rig_sign(r, &c, 1);
        rig_name(r, &c, "alice");
        rig_log_in(r, &c, "alice");
        assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("rekey")), 0);
        assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.connection, c.id);
        link_close(&c.worker);
        assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_abandon)->abandon.connection,
                         c.id);
        rig_hang_up(&c);
    }
    rig_close(r);
}

/* ---- a worker that was taken over -------------------------------------------------------------------------- */

static void bring_to(struct rig *r, struct rig_connection *c, unsigned phase)
{
    rig_connect(r, c);
    if (phase >= PHASE_READY)
        rig_sign(r, c, 1);
    if (phase >= PHASE_AUTH)
        rig_name(r, c, "alice");
    if (phase >= PHASE_LOGIN) {
        char moved[64];
        snprintf(moved, sizeof moved, "%016llx\",\"message\":\"auth -> login", (unsigned long long)c->id);
        rig_log_in(r, c, "alice");
        rig_log_wait(r, moved);
    }
}

/* What is sent is well-formed; only the sender or the phase is wrong. */
static size_t message_bytes(const struct message_row *row, uint8_t *out, size_t room)
{
    static const union msg_body zero;
    struct sp_out o = {.data = out, .capacity = room};
    out[0] = (uint8_t)(row->number >> 8);
    out[1] = (uint8_t)row->number;
    o.size = 2;
    assert_int_equal(message_encode(row, &zero, &o), 0);
    return o.size;
}

static bool worker_may(const struct message_row *row, unsigned phase)
{
    return row->to == ROLE_MONITOR && (row->from == ROLE_WORKER || row->from == ROLE_ANY) &&
           (row->phases & phase);
}

/* Every message of the table that is not a worker's to send in that phase. */
static void wrong_messages_end_it(unsigned phase)
{
    struct rig *r = rig_open("MaxStartups 500:30:500");
    size_t tried = 0;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        struct rig_connection c;
        uint8_t bytes[256];
        if (worker_may(row, phase) || row->descriptors != 0)
            continue;
        bring_to(r, &c, phase);
        size_t size = message_bytes(row, bytes, sizeof bytes);
        assert_int_equal(write(c.worker.fd, bytes, size), size);
        assert_int_equal(
            rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker)->stop_worker.connection, c.id);
        rig_expect_end(r, &c.worker);
        if (phase == PHASE_AUTH)
            assert_int_equal(
                rig_expect(r, &r->links[RIG_ACCEPTOR], PHASE_ANY, MSG_stop_login)->stop_login.connection,
                c.id);
        if (phase >= PHASE_AUTH)
            rig_expect_end(r, &c.session);
        rig_hang_up(&c);
        tried++;
    }
    assert_true(tried > 50);
    assert_int_equal(rig_log_count(r, "\"event\":\"illegal\""), tried);
    struct rig_connection after;
    bring_to(r, &after, PHASE_LOGIN); /* and the next one is served as if nothing had been */
    rig_hang_up(&after);
    rig_close(r);
}

static void wrong_messages_in_start_end_it(void **state)
{
    (void)state;
    wrong_messages_end_it(PHASE_START);
}

static void wrong_messages_in_ready_end_it(void **state)
{
    (void)state;
    wrong_messages_end_it(PHASE_READY);
}

static void wrong_messages_in_auth_end_it(void **state)
{
    (void)state;
    wrong_messages_end_it(PHASE_AUTH);
}

static void wrong_messages_in_login_end_it(void **state)
{
    (void)state;
    wrong_messages_end_it(PHASE_LOGIN);
}

static void a_second_signature_before_the_first_ends_it(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("1")), 0);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("2")), 0);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign);
    rig_expect_end(r, &c.worker);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_abandon);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_flood_of_events_is_bounded_and_marked(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    for (int i = 0; i < 5000; i++) {
        int sent = link_send(&c.worker, event, .level = 3, .name = sp_text("auth"),
                             .text = sp_text("Accepted password for root from 1.2.3.4 port 5 ssh2"));
        assert_true(sent == 0);
        while (link_wants_write(&c.worker)) {
            struct pollfd p = {.fd = c.worker.fd, .events = POLLOUT};
            poll(&p, 1, 1000);
            assert_int_equal(link_flush(&c.worker), 0);
        }
    }
    rig_sign(r, &c, 1); /* everything before it was read by then */
    assert_in_range(rig_log_count(r, "Accepted password for root"), 50, 400);
    assert_int_equal(rig_log_count(r, "\"Accepted password for root"),
                     0); /* always behind its author's name */
    assert_int_equal(rig_log_count(r, "\"message\":\"worker: Accepted password"),
                     rig_log_count(r, "Accepted password for root"));
    rig_hang_up(&c);
    rig_close(r);
}

static void a_worker_that_does_not_go_is_killed(void **state)
{
    struct rig *r = rig_open("LoginGraceTime 1");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    rig_name(r, &c, "alice");
    (void)rig_expect(r, &c.worker, PHASE_AUTH, MSG_end); /* LoginGraceTime */
    assert_int_equal(rig_expect(r, &r->links[RIG_ACCEPTOR], PHASE_ANY, MSG_stop_login)->stop_login.connection,
                     c.id);
    rig_expect_end(r, &c.session);
    rig_log_wait(r, "Timeout before authentication for 127.0.0.1 port");
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker)->stop_worker.connection,
                     c.id);
    rig_expect_end(r, &c.worker);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- login processes --------------------------------------------------------------------------------------- */

static void a_login_of_another_name_ends_it(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_AUTH);
    rig_log_in(r, &c, "root");
    rig_expect_end(r, &c.worker);
    assert_int_equal(rig_log_count(r, "auth -> login"), 0);
    rig_hang_up(&c);
    rig_close(r);
}

static void success_twice_ends_it(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    rig_log_in(r, &c, "alice");
    rig_expect_end(r, &c.worker);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_login_process_that_goes_leaves_the_worker_time_to_say_why(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_AUTH);
    link_close(&c.session);
    rig_expect_silence(r, &c.worker, PHASE_AUTH);
    assert_int_equal(
        link_send(&c.worker, ended, .reason = 14, .text = sp_text("Too many authentication failures")), 0);
    link_close(&c.worker);
    rig_log_wait(r, "Too many authentication failures");
    rig_hang_up(&c);
    rig_close(r);
}

static void without_a_session_service_logins_are_refused(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    close(r->listeners[RIG_ACCEPTOR]);
    r->listeners[RIG_ACCEPTOR] = -1;
    link_close(&r->links[RIG_ACCEPTOR]);
    rig_log_wait(r, "The session service has closed the link");
    assert_int_equal(link_send(&c.worker, ask_login, .user = sp_text("alice")), 0);
    assert_int_equal(rig_expect(r, &c.worker, PHASE_AUTH, MSG_end)->end.reason, 7);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- admission --------------------------------------------------------------------------------------------- */

static void more_than_maxstartups_are_told_so(void **state)
{
    struct rig *r = rig_open("MaxStartups 2:100:2");
    struct rig_connection a, b;
    (void)state;
    rig_connect(r, &a);
    bring_to(r, &b, PHASE_AUTH);
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Exceeded MaxStartups\r\n"));
    close(client);
    rig_log_in(r, &b, "alice"); /* one less that is not logged in */
    rig_log_wait(r, "auth -> login");
    struct rig_connection c;
    rig_connect(r, &c);
    rig_hang_up(&a);
    rig_hang_up(&b);
    rig_hang_up(&c);
    rig_close(r);
}

static void more_than_maxconnections_are_told_so(void **state)
{
    struct rig *r = rig_open("MaxConnections 1");
    struct rig_connection a;
    (void)state;
    bring_to(r, &a, PHASE_LOGIN);
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Exceeded MaxConnections\r\n"));
    close(client);
    rig_hang_up(&a);
    rig_close(r);
}

static void a_crash_makes_its_source_wait(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_READY);
    link_close(&c.worker);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], worker_exited, .connection = c.id, .status = SIGSEGV),
                     0);
    rig_log_wait(r, "\"event\":\"worker_crashed\"");
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Not allowed at this time\r\n"));
    close(client);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- services that go away --------------------------------------------------------------------------------- */

static void a_new_signer_is_asked_again(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign);
    rig_accept(r, RIG_SIGNER); /* closes the old one first */
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY); /* not before it knows the generation */
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("offer")),
                     0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.connection, c.id);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_transcript_that_killed_two_signers_is_not_sent_again(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("poison")), 0);
    for (int i = 0; i < 2; i++) {
        (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign);
        rig_accept(r, RIG_SIGNER);
        (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
        assert_int_equal(
            link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("offer")), 0);
    }
    (void)rig_expect(r, &c.worker, PHASE_START, MSG_end);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    rig_hang_up(&c);
    rig_close(r);
}

/* More than the signer's link may queue: they wait with their connections, and those that go meanwhile leave no trace. */
static void who_leaves_the_queue_for_the_signer_takes_nobody_along(void **state)
{
    enum { MANY = 40 };
    static uint8_t large[48000];
    struct rig *r = rig_open("MaxStartups 100:30:100");
    struct rig_connection c[MANY];
    size_t asked = 0, answered = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        rig_connect(r, &c[i]);
        assert_int_equal(
            link_send(&c[i].worker, ask_signature, .transcript = sp_span_of(large, sizeof large)), 0);
    }
    rig_expect_silence(r, &c[0].worker, PHASE_START); /* the signer does not read: by now they wait */
    for (size_t i = 0; i < MANY; i += 2)
        rig_hang_up(&c[i]);
    rig_expect_silence(r, &c[1].worker, PHASE_START);
    while (link_wait(&r->links[RIG_SIGNER], PHASE_ANY, &r->inbox, 1000) == 0) {
        asked += r->inbox.row->number == MSG_sign;
        if (r->inbox.row->number != MSG_sign)
            continue;
        uint64_t id = r->inbox.body.sign.connection;
        assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_refused, .connection = id, .reason = 3), 0);
        answered++;
    }
    assert_in_range(answered, MANY / 2, MANY);
    assert_true(asked < MANY); /* some had gone before they were asked for */
    for (size_t i = 1; i < MANY; i += 2) {
        (void)rig_expect(r, &c[i].worker, PHASE_START, MSG_end);
        rig_hang_up(&c[i]);
    }
    rig_close(r);
}

static void an_answer_nobody_asked_for_is_dropped(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_done, .connection = c.id, .h = sp_text("h"),
                               .signature = sp_text("s"), .host_key = sp_text("k")),
                     0);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_done, .connection = 1), 0);
    rig_expect_silence(r, &c.worker, PHASE_START);
    rig_sign(r, &c, 3);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_new_offer_of_a_new_signer_reaches_the_zygote(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    rig_accept(r, RIG_SIGNER);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("fewer keys")), 0);
    const struct msg_prepare *prepare =
        &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare;
    assert_true(sp_span_is(prepare->offer, "fewer keys"));
    int client = rig_dial(r); /* waits in the kernel's queue */
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_serve);
    close(client);
    rig_close(r);
}

static void a_client_that_a_dead_zygote_took_along_is_served_by_the_next(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c = {.session.fd = -1, .worker_session = -1, .session_worker = -1};
    (void)state;
    c.client = rig_dial(r);
    rig_log_wait(r, "\"event\":\"accepted\"");
    rig_accept(r, RIG_ZYGOTE); /* the old link closes with `serve` unread in it */
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare.generation, 1);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    rig_receive_serve(r, &c);
    rig_sign(r, &c, 1);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_client_that_was_talked_to_is_not_served_twice(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(write(c.socket, "SSH-2.0-", 8), 8);
    link_close(&c.worker);
    rig_accept(r, RIG_ZYGOTE);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    rig_hang_up(&c);
    rig_close(r);
}

static void an_illegal_message_of_a_service_costs_it_its_link(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    assert_int_equal(write(r->links[RIG_ZYGOTE].fd, "\xff\xff", 2), 2);
    rig_accept(r, RIG_ZYGOTE);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare);
    rig_close(r);
}

/* The process of a worker that has broken the rules, of whom there is no zygote to tell. */
static void a_worker_is_stopped_by_the_next_zygote_if_there_is_none(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    char path[128], away[128];
    int process[2];
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    assert_int_equal(pipe2(process, O_CLOEXEC), 0);
    struct link *zygote = &r->links[RIG_ZYGOTE];
    const struct msg_worker_started started = {.connection = c.id};
    assert_int_equal(link_send_fds(zygote, MSG_worker_started, &started, &process[0], 1), 0);
    assert_int_equal(link_send(zygote, event, .level = LOG_LEVEL_INFO, .name = sp_text("x")), 0);
    rig_log_wait(r, "\"event\":\"x\"");
    snprintf(path, sizeof path, "%s/worker.sock", r->directory);
    snprintf(away, sizeof away, "%s/away.sock", r->directory);
    assert_int_equal(rename(path, away), 0);
    link_close(zygote);
    rig_log_wait(r, "\"service_lost\"");
    assert_int_equal(link_send(&c.worker, resumed, .ticket = 1), 0);
    rig_expect_end(r, &c.worker);
    rig_log_wait(r, "\"event\":\"ended\"");
    assert_int_equal(rename(away, path), 0);
    rig_accept(r, RIG_ZYGOTE);
    assert_int_equal(rig_expect(r, zygote, PHASE_ANY, MSG_stop_process)->stop_process.connection, c.id);
    (void)rig_expect(r, zygote, PHASE_ANY, MSG_prepare);
    close(process[0]);
    close(process[1]);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- proofs of host keys ----------------------------------------------------------------------------------- */

static const struct msg_prove *asks_for_proof(struct rig *r, struct rig_connection *c, const char *keys)
{
    assert_int_equal(link_send(&c->worker, ask_proof, .keys = sp_text(keys)), 0);
    const struct msg_prove *prove = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_prove)->prove;
    assert_int_equal(prove->connection, c->id);
    assert_true(sp_span_is(prove->keys, keys));
    return prove;
}

static struct sp_span proofs_of(struct rig *r, struct rig_connection *c)
{
    return rig_expect(r, &c->worker, PHASE_LOGIN, MSG_proofs)->proofs.signatures;
}

static void proofs_are_asked_for_with_what_the_monitor_knows(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    uint8_t id[32];
    (void)state;
    memset(id, 1, sizeof id); /* the first H, of bring_to() */
    bring_to(r, &c, PHASE_LOGIN);
    const struct msg_prove *prove = asks_for_proof(r, &c, "keys");
    assert_int_equal(prove->generation, 1);
    assert_true(sp_span_equal(prove->session_id, sp_span_of(id, sizeof id)));
    assert_true(sp_span_is(prove->remote_address, "127.0.0.1"));
    assert_int_not_equal(prove->negotiated.size, 0);
    uint8_t bytes[64];
    struct sp_out fingerprints = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&fingerprints, "SHA256:one");
    sp_put_text(&fingerprints, "SHA256:two");
    assert_int_equal(link_send(&r->links[RIG_SIGNER], prove_done, .connection = c.id,
                               .signatures = sp_text("s"), .fingerprints = sp_written(&fingerprints)),
                     0);
    assert_true(sp_span_is(proofs_of(r, &c), "s"));
    rig_log_wait(r, "Host key SHA256:one proved to the client at 127.0.0.1");
    rig_log_wait(r, "Host key SHA256:two proved to the client at 127.0.0.1");
    /* The signer remembers which keys they were until the connection is gone. */
    assert_int_equal(link_send(&c.worker, ended, .reason = 0), 0);
    link_close(&c.worker);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_abandon)->abandon.connection, c.id);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_proof_that_is_refused_is_an_empty_answer(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    for (int i = 0; i < 2; i++) {
        (void)asks_for_proof(r, &c, "keys");
        assert_int_equal(
            link_send(&r->links[RIG_SIGNER], prove_refused, .connection = c.id, .why = sp_text("busy")), 0);
        assert_int_equal(proofs_of(r, &c).size, 0);
    }
    rig_hang_up(&c);
    rig_close(r);
}

static void questions_for_proof_have_an_end(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    for (unsigned i = 0; i < 32; i++) {
        (void)asks_for_proof(r, &c, "keys");
        assert_int_equal(
            link_send(&r->links[RIG_SIGNER], prove_refused, .connection = c.id, .why = sp_text("busy")), 0);
        assert_int_equal(proofs_of(r, &c).size, 0);
    }
    for (unsigned i = 0; i < 3;
         i++) { /* answered without a question to the signer, which would answer nothing here */
        assert_int_equal(link_send(&c.worker, ask_proof, .keys = sp_text("keys")), 0);
        assert_int_equal(proofs_of(r, &c).size, 0);
    }
    rig_log_wait(r, "asked for more than 32 times");
    rig_hang_up(&c);
    rig_close(r);
}

static void who_asks_for_what_no_worker_asks_is_sent_away(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    (void)asks_for_proof(r, &c, "keys");
    assert_int_equal(link_send(&r->links[RIG_SIGNER], prove_refused, .connection = c.id, .illegal = true,
                               .why = sp_text("a second time")),
                     0);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_end);
    rig_log_wait(r, "a second time");
    rig_hang_up(&c);
    rig_close(r);
}

static void a_second_question_for_proof_ends_the_connection(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    (void)asks_for_proof(r, &c, "keys");
    assert_int_equal(link_send(&c.worker, ask_proof, .keys = sp_text("keys")), 0);
    rig_log_wait(r, "worker sent a second ask_proof before the first was answered");
    rig_hang_up(&c);
    rig_close(r);
}

static void a_signer_that_is_lost_proves_nothing(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    (void)asks_for_proof(r, &c, "keys");
    link_close(&r->links[RIG_SIGNER]);
    assert_int_equal(proofs_of(r, &c).size, 0);
    assert_int_equal(link_send(&c.worker, ask_proof, .keys = sp_text("keys")),
                     0); /* and none is there to be asked */
    assert_int_equal(proofs_of(r, &c).size, 0);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- generations ------------------------------------------------------------------------------------------- */

static void a_refusal_at_the_start_is_the_end(void **state)
{
    struct rig *r = rig_begin("");
    (void)state;
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], unconfigured, .generation = 1, .why = sp_text("no such key")), 0);
    assert_int_equal(rig_exit_status(r), 1);
    rig_log_wait(r, "Configuration refused: no such key");
    rig_close(r);
}

static void a_bad_file_changes_nothing(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_configure(r, "NoSuchKeyword yes");
    rig_signal(r, SIGHUP);
    rig_log_wait(r, "the previous one stays: ");
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    bring_to(r, &c, PHASE_LOGIN);
    rig_hang_up(&c);
    rig_close(r);
}

static void what_the_signer_refuses_changes_nothing(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_signal(r, SIGHUP);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.generation, 2);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], unconfigured, .generation = 2, .why = sp_text("no")),
                     0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation, 2);
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    rig_hang_up(&c);
    rig_close(r);
}

static void what_the_zygote_refuses_changes_nothing(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_signal(r, SIGHUP);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 2, .offer = sp_text("offer")),
                     0);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], unprepared, .generation = 2, .why = sp_text("no")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation, 2);
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.generation, 1);
    rig_hang_up(&c);
    rig_close(r);
}

/* The signer has yet to judge it. */
static void the_zygote_puts_nothing_in_force_that_it_was_not_given(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_signal(r, SIGHUP);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 2), 0);
    rig_accept(r, RIG_ZYGOTE);
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare.generation, 1);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], unprepared, .generation = 2, .why = sp_text("no")), 0);
    rig_accept(r, RIG_ZYGOTE);
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare.generation, 1);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.generation, 1);
    assert_int_equal(rig_log_count(r, "Configuration generation 2 is in force"), 0);
    assert_int_equal(rig_log_count(r, "Configuration refused"), 0);
    rig_hang_up(&c);
    rig_close(r);
}

static void open_connections_keep_their_generation(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection old, fresh;
    (void)state;
    bring_to(r, &old, PHASE_LOGIN);
    rig_signal(r, SIGHUP);
    rig_serve_generation(r, 2);
    rig_log_wait(r, "Configuration generation 2 is in force");
    rig_connect(r, &fresh);
    assert_int_equal(link_send(&fresh.worker, ask_signature, .transcript = sp_text("t")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.generation, 2);
    assert_int_equal(link_send(&old.worker, ask_signature, .transcript = sp_text("t")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.generation, 1);
    assert_int_equal(link_send(&old.worker, ended, .reason = 0), 0);
    link_close(&old.worker);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_abandon)->abandon.connection,
                     old.id);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation, 1);
    rig_hang_up(&old);
    rig_hang_up(&fresh);
    rig_close(r);
}

static void two_reloads_at_once_are_one_after_the_other(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    rig_signal(r, SIGHUP);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    rig_signal(r, SIGHUP);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], unconfigured, .generation = 2, .why = sp_text("no")),
                     0);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget);
    rig_serve_generation(r, 3);
    rig_log_wait(r, "Configuration generation 3 is in force");
    rig_close(r);
}

/* ---- host keys that are away ------------------------------------------------------------------------------- */

static void waits_send(struct rig *r, uint64_t generation)
{
    assert_int_equal(link_send(&r->links[RIG_SIGNER], unconfigured, .generation = generation, .waits = true,
                               .why = sp_text("no token fits")),
                     0);
    rig_log_wait(r, "as long as no host key can sign: no token fits");
}

/* The next datagram to the service manager. */
static void notified(const struct rig *r, char text[512])
{
    struct pollfd p = {.fd = r->notify, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    ssize_t size = recv(r->notify, text, 511, 0);
    assert_true(size > 0);
    text[size] = '\0';
}

static void a_start_without_a_host_key_waits_for_one(void **state)
{
    struct rig *r = rig_begin("");
    char text[512];
    (void)state;
    assert_false(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.reload);
    waits_send(r, 1);
    notified(r, text);
    assert_non_null(strstr(text, "EXTEND_TIMEOUT_USEC="));
    assert_non_null(strstr(text, "STATUS=Waiting for a host key: no token fits\n"));
    assert_null(strstr(text, "READY"));
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY); /* the signer goes on by itself */
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("offer")),
                     0);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    do
        notified(r, text);
    while (!strstr(text, "READY=1\n"));
    struct rig_connection c;
    bring_to(r, &c, PHASE_LOGIN);
    rig_hang_up(&c);
    rig_close(r);
}

static void what_is_wrong_after_all_ends_a_start_that_waits(void **state)
{
    struct rig *r = rig_begin("");
    (void)state;
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    waits_send(r, 1);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], unconfigured, .generation = 1, .why = sp_text("the PIN is wrong")),
        0);
    assert_int_equal(rig_exit_status(r), 1);
    rig_close(r);
}

static void a_reload_takes_the_place_of_a_start_that_waits(void **state)
{
    struct rig *r = rig_begin("");
    (void)state;
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    waits_send(r, 1);
    rig_signal(r, SIGHUP);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation, 1);
    const struct msg_configure *configure =
        &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure;
    assert_int_equal(configure->generation, 2);
    assert_false(configure->reload); /* there is still none in force */
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 2, .offer = sp_text("offer")),
                     0);
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare.generation, 2);
    rig_close(r);
}

static void a_bad_file_leaves_a_start_that_waits(void **state)
{
    struct rig *r = rig_begin("");
    (void)state;
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    waits_send(r, 1);
    rig_configure(r, "NoSuchKeyword yes");
    rig_signal(r, SIGHUP);
    rig_log_wait(r, "the previous one still waits for its host keys: ");
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("offer")),
                     0);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare);
    rig_close(r);
}

static void a_start_that_waits_can_be_stopped(void **state)
{
    struct rig *r = rig_begin("");
    (void)state;
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    waits_send(r, 1);
    rig_signal(r, SIGTERM);
    assert_int_equal(rig_exit_status(r), 0);
    rig_close(r);
}

static void a_reload_says_so_and_does_not_wait(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_signal(r, SIGHUP);
    assert_true(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.reload);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], unconfigured, .generation = 2, .waits = true,
                               .why = sp_text("no token fits")),
                     0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation, 2);
    rig_log_wait(r, "the previous one stays: no token fits");
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    rig_hang_up(&c);
    rig_close(r);
}

static void connections_wait_for_a_new_signer_that_waits(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_accept(r, RIG_SIGNER);
    assert_false(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.reload);
    waits_send(r, 1);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("offer")),
                     0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.connection, c.id);
    rig_hang_up(&c);
    rig_close(r);
}

static void keys_that_join_are_offered_to_new_connections(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection old, fresh;
    (void)state;
    bring_to(r, &old, PHASE_LOGIN);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("more keys")), 0);
    const struct msg_prepare *prepare =
        &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare;
    assert_int_equal(prepare->generation, 1);
    assert_true(sp_span_is(prepare->offer, "more keys"));
    /* Who was there before is served meanwhile. */
    assert_int_equal(link_send(&old.worker, ask_signature, .transcript = sp_text("t")), 0);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign.connection, old.id);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
    rig_connect(r, &fresh);
    /* What has not changed is nothing new. */
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], configured, .generation = 1, .offer = sp_text("more keys")), 0);
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    rig_hang_up(&old);
    rig_hang_up(&fresh);
    rig_close(r);
}

static void malformed_states_of_tokens_end_the_signers_link(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    assert_int_equal(link_send(&r->links[RIG_SIGNER], token_states, .tokens = sp_text("tokens")), 0);
    rig_log_wait(r, "states of tokens that are malformed");
    rig_expect_end(r, &r->links[RIG_SIGNER]);
    rig_close(r);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void without_connections_it_goes_at_once(void **state)
{
    struct rig *r = rig_open("");
    (void)state;
    rig_signal(r, SIGTERM);
    assert_int_equal(rig_exit_status(r), 0);
    rig_close(r);
}

static void open_connections_go_on_after_sigterm(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    rig_signal(r, SIGTERM);
    rig_log_wait(r, "\"event\":\"stopping\"");
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("rekey")), 0);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign);
    assert_int_equal(link_send(&c.worker, ended, .reason = 0), 0);
    link_close(&c.worker);
    assert_int_equal(rig_exit_status(r), 0);
    rig_hang_up(&c);
    rig_close(r);
}

static void told_twice_it_ends_them(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    bring_to(r, &c, PHASE_LOGIN);
    rig_signal(r, SIGTERM);
    rig_log_wait(r, "\"event\":\"stopping\"");
    rig_signal(r, SIGTERM);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_end);
    assert_int_equal(link_send(&c.worker, ended, .reason = 11), 0);
    link_close(&c.worker);
    assert_int_equal(rig_exit_status(r), 0);
    rig_log_wait(r, "\"reason\":\"server_stopped\"");
    rig_hang_up(&c);
    rig_close(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_goes_through_its_phases),
        cmocka_unit_test(the_first_sign_says_that_it_is_the_first),
        cmocka_unit_test(serves_by_the_policy_of_the_address),
        cmocka_unit_test(the_signer_hears_the_addresses_and_what_it_negotiated_first),
        cmocka_unit_test(reports_and_exceptions_are_written_with_their_connection),
        cmocka_unit_test(a_refusal_is_written_with_the_signers_fields),
        cmocka_unit_test(login_is_seen_before_what_follows_from_it),
        cmocka_unit_test(wrong_messages_in_start_end_it),
        cmocka_unit_test(wrong_messages_in_ready_end_it),
        cmocka_unit_test(wrong_messages_in_auth_end_it),
        cmocka_unit_test(wrong_messages_in_login_end_it),
        cmocka_unit_test(a_second_signature_before_the_first_ends_it),
        cmocka_unit_test(a_flood_of_events_is_bounded_and_marked),
        cmocka_unit_test(a_worker_that_does_not_go_is_killed),
        cmocka_unit_test(a_login_of_another_name_ends_it),
        cmocka_unit_test(success_twice_ends_it),
        cmocka_unit_test(a_login_process_that_goes_leaves_the_worker_time_to_say_why),
        cmocka_unit_test(without_a_session_service_logins_are_refused),
        cmocka_unit_test(more_than_maxstartups_are_told_so),
        cmocka_unit_test(more_than_maxconnections_are_told_so),
        cmocka_unit_test(a_crash_makes_its_source_wait),
        cmocka_unit_test(a_new_signer_is_asked_again),
        cmocka_unit_test(a_transcript_that_killed_two_signers_is_not_sent_again),
        cmocka_unit_test(who_leaves_the_queue_for_the_signer_takes_nobody_along),
        cmocka_unit_test(an_answer_nobody_asked_for_is_dropped),
        cmocka_unit_test(a_new_offer_of_a_new_signer_reaches_the_zygote),
        cmocka_unit_test(a_client_that_a_dead_zygote_took_along_is_served_by_the_next),
        cmocka_unit_test(a_client_that_was_talked_to_is_not_served_twice),
        cmocka_unit_test(an_illegal_message_of_a_service_costs_it_its_link),
        cmocka_unit_test(proofs_are_asked_for_with_what_the_monitor_knows),
        cmocka_unit_test(a_proof_that_is_refused_is_an_empty_answer),
        cmocka_unit_test(questions_for_proof_have_an_end),
        cmocka_unit_test(who_asks_for_what_no_worker_asks_is_sent_away),
        cmocka_unit_test(a_second_question_for_proof_ends_the_connection),
        cmocka_unit_test(a_signer_that_is_lost_proves_nothing),
        cmocka_unit_test(a_refusal_at_the_start_is_the_end),
        cmocka_unit_test(a_bad_file_changes_nothing),
        cmocka_unit_test(what_the_signer_refuses_changes_nothing),
        cmocka_unit_test(what_the_zygote_refuses_changes_nothing),
        cmocka_unit_test(a_worker_is_stopped_by_the_next_zygote_if_there_is_none),
        cmocka_unit_test(the_zygote_puts_nothing_in_force_that_it_was_not_given),
        cmocka_unit_test(open_connections_keep_their_generation),
        cmocka_unit_test(two_reloads_at_once_are_one_after_the_other),
        cmocka_unit_test(a_start_without_a_host_key_waits_for_one),
        cmocka_unit_test(what_is_wrong_after_all_ends_a_start_that_waits),
        cmocka_unit_test(a_reload_takes_the_place_of_a_start_that_waits),
        cmocka_unit_test(a_bad_file_leaves_a_start_that_waits),
        cmocka_unit_test(a_start_that_waits_can_be_stopped),
        cmocka_unit_test(a_reload_says_so_and_does_not_wait),
        cmocka_unit_test(connections_wait_for_a_new_signer_that_waits),
        cmocka_unit_test(keys_that_join_are_offered_to_new_connections),
        cmocka_unit_test(malformed_states_of_tokens_end_the_signers_link),
        cmocka_unit_test(without_connections_it_goes_at_once),
        cmocka_unit_test(open_connections_go_on_after_sigterm),
        cmocka_unit_test(told_twice_it_ends_them),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_flow SALLYPORTD\n");
        return 2;
    }
    rig_program(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
