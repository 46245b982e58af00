/* A real monitor behind a balancer that is played here, as are its workers and all other peers. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/loop.h"
#include "ipc/log.h"

#include "rig.h"

#define BALANCED "ProxyProtocol front\nProxyTrusted 127.0.0.0/8\n"

static const uint8_t here[4] = {198, 51, 100, 9}; /* where clients think that they connect to */

static int say(struct rig_connection *c, enum proxied_kind kind, struct sp_span source,
               struct sp_span destination)
{
    return link_send(&c->worker, proxied, .kind = (uint8_t)kind, .source = source, .destination = destination,
                     .source_port = source.size != 0 ? 4711 : 0,
                     .destination_port = source.size != 0 ? 22 : 0);
}

static void say_client(struct rig_connection *c, uint8_t last)
{
    const uint8_t source[4] = {192, 0, 2, last};
    assert_int_equal(say(c, PROXIED_CLIENT, sp_span_of(source, 4), sp_span_of(here, 4)), 0);
}

static const struct msg_proxied_policy *answer(struct rig *r, struct rig_connection *c)
{
    return &rig_expect(r, &c->worker, PHASE_START, MSG_proxied_policy)->proxied_policy;
}

static void is_refused(struct rig *r, struct rig_connection *c, const char *text)
{
    const struct msg_end *end = &rig_expect(r, &c->worker, PHASE_START, MSG_end)->end;
    assert_int_equal(end->reason, 12);
    if (!sp_span_is(end->text, text))
        fail_msg("the client reads: %.*s", (int)end->text.size, (const char *)end->text.data);
}

/* ---- as it should be --------------------------------------------------------------------------------------- */

static void a_connection_has_the_address_that_the_balancer_says(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_true(r->inbox.body.serve.proxied);
    assert_int_equal(r->inbox.body.serve.policy.size, 0);
    assert_int_equal(rig_log_count(r, "\"accepted\""), 0);
    say_client(&c, 1);
    const struct msg_proxied_policy *told = answer(r, &c);
    assert_true(sp_span_is(told->remote_address, "192.0.2.1"));
    assert_int_equal(told->remote_port, 4711);
    rig_log_wait(r, "Connection from 192.0.2.1 port 4711 on 127.0.0.1 port ");
    rig_log_wait(r, "\"kind\":\"client\",");
    rig_log_wait(r, "\"destination\":\"198.51.100.9\",\"destination_port\":\"22\",\"listener\":\"front\"");
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("transcript")), 0);
    const struct msg_sign *sign = &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
    assert_true(sp_span_is(sign->remote_address, "192.0.2.1"));
    assert_true(sp_span_is(sign->local_address, "127.0.0.1"));
    assert_int_equal(sign->local_port, r->port); /* what the client had connected to is not believed */
    rig_hang_up(&c);
    rig_close(r);
}

static void its_login_and_its_records_have_it_too(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    say_client(&c, 1);
    (void)answer(r, &c);
    rig_sign(r, &c, 0x11);
    r->remote = "192.0.2.1"; /* what open_login is to say */
    rig_name(r, &c, "alice");
    assert_int_equal(
        link_send(&c.session, login_attempt, .method = sp_text("password"), .result = LOGIN_FAILED), 0);
    rig_log_wait(r, "Failed password for alice from 192.0.2.1 port 4711 ssh2");
    rig_log_in(r, &c, "alice");
    rig_log_wait(r, "\"event\":\"login\"");
    rig_log_wait(
        r, "\"peer\":\"192.0.2.1\",\"peer_port\":\"4711\",\"balancer\":\"127.0.0.1\",\"user\":\"alice\"");
    rig_hang_up(&c);
    rig_close(r);
}

static void ipv6_and_what_is_mapped_into_it(void **state)
{
    static const uint8_t plain[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 5};
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(say(&c, PROXIED_CLIENT, sp_span_of(plain, 16), sp_span_of(mapped, 16)), 0);
    assert_true(sp_span_is(answer(r, &c)->remote_address, "2001:db8::7"));
    rig_hang_up(&c);
    rig_connect(r, &c);
    assert_int_equal(say(&c, PROXIED_CLIENT, sp_span_of(mapped, 16), sp_span_of(plain, 16)), 0);
    assert_true(sp_span_is(answer(r, &c)->remote_address, "192.0.2.5"));
    rig_hang_up(&c);
    rig_close(r);
}

static void the_policy_is_that_of_the_client(void **state)
{
    char path[] = "/tmp/sallyport-policy.XXXXXX", lines[400];
    struct rig_connection c;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(dprintf(fd, "Ciphers aes256-gcm@openssh.com\n"), 31);
    assert_int_equal(fchmod(fd, 0644), 0);
    close(fd);
    snprintf(lines, sizeof lines,
             BALANCED "Policy DEFAULT\nMatch Address 192.0.2.0/24 Listener front\nPolicy %s\n", path);
    struct rig *r = rig_open(lines);
    rig_connect(r, &c);
    say_client(&c, 1);
    assert_true(sp_span_is(answer(r, &c)->policy, path));
    rig_hang_up(&c);
    rig_connect(r, &c);
    assert_int_equal(say(&c, PROXIED_LOCAL, (struct sp_span){0}, (struct sp_span){0}), 0);
    assert_true(sp_span_is(answer(r, &c)->policy, "DEFAULT"));
    rig_hang_up(&c);
    rig_close(r);
    unlink(path);
}

static void a_balancers_own_connections_have_its_address_and_are_not_seen_at_info(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const uint8_t own[4] = {127, 0, 0, 1};
        rig_connect(r, &c);
        if (i == 1) /* version 1 has no other word for it */
            assert_int_equal(say(&c, PROXIED_CLIENT, sp_span_of(own, 4), sp_span_of(own, 4)), 0);
        else if (i == 2)
            assert_int_equal(say(&c, PROXIED_LOCAL, (struct sp_span){0}, (struct sp_span){0}), 0);
        if (i != 0)
            assert_true(sp_span_is(answer(r, &c)->remote_address, "127.0.0.1"));
        assert_int_equal(link_send(&c.worker, ended, .by_peer = true), 0);
        rig_hang_up(&c);
        (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker);
    }
    while (rig_log_count(r, "\"event\":\"ended\"") < 3)
        poll(NULL, 0, 5);
    assert_int_equal(rig_log_count(r, "\"accepted\""), 0);
    assert_int_equal(rig_log_count(r, "\"level\":\"debug\",\"event\":\"ended\""), 3);
    assert_int_equal(rig_log_count(r, "\"level\":\"debug\",\"event\":\"proxied\""), 2);
    rig_close(r);
}

static void a_check_that_is_gone_before_the_answer_has_its_last_words_read(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    rig_signal(r, SIGSTOP);
    assert_int_equal(say(&c, PROXIED_LOCAL, (struct sp_span){0}, (struct sp_span){0}), 0);
    assert_int_equal(link_send(&c.worker, ended, .by_peer = true), 0);
    rig_hang_up(&c);
    rig_signal(r, SIGCONT);
    rig_log_wait(r, "\"level\":\"debug\",\"event\":\"ended\"");
    assert_int_equal(rig_log_count(r, "worker_gone"), 0);
    rig_close(r);
}

static void somebody_whom_the_balancer_does_not_know_is_seen(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(say(&c, PROXIED_UNKNOWN, (struct sp_span){0}, (struct sp_span){0}), 0);
    assert_true(sp_span_is(answer(r, &c)->remote_address, "127.0.0.1"));
    rig_log_wait(r, "\"level\":\"info\",\"event\":\"proxied\"");
    rig_log_wait(r, "\"level\":\"info\",\"event\":\"accepted\"");
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- whom to believe --------------------------------------------------------------------------------------- */

static void who_is_no_balancer_is_refused(void **state)
{
    struct rig *r = rig_open("ProxyProtocol front\nProxyTrusted 192.0.2.0/24 ::1\n");
    (void)state;
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Clients come through a balancer here\r\n"));
    rig_log_wait(r, "\"reason\":\"not_a_balancer\"");
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    close(client);
    rig_close(r);
}

static void is_illegal(struct rig *r, struct rig_connection *c, const char *complaint)
{
    rig_expect_end(r, &c->worker);
    rig_log_wait(r, complaint);
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker)->stop_worker.connection,
                     c->id);
    rig_hang_up(c);
}

static void a_worker_says_it_once_and_first(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    say_client(&c, 1);
    say_client(&c, 2);
    is_illegal(r, &c, "proxied twice");
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("t")), 0);
    is_illegal(r, &c, "before it had said whose connection it is");
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    rig_connect(r, &c);
    say_client(&c, 1);
    (void)answer(r, &c);
    rig_sign(r, &c, 0x22);
    say_client(&c, 2);
    is_illegal(r, &c, "out of phase in proxied");
    assert_int_equal(rig_log_count(r, "192.0.2.2"), 0);
    rig_close(r);
}

static void where_there_is_no_balancer_nobody_says_it(void **state)
{
    struct rig *r = rig_open("ProxyProtocol other\nProxyTrusted 127.0.0.0/8\n");
    struct rig_connection c;
    (void)state;
    rig_log_wait(r, "\"event\":\"listener_unknown\"");
    rig_connect(r, &c);
    assert_false(r->inbox.body.serve.proxied);
    say_client(&c, 1);
    is_illegal(r, &c, "on a listener without balancers");
    rig_close(r);
}

static void addresses_go_with_the_kind(void **state)
{
    static const uint8_t octets[16] = {1};
    static const struct {
        uint8_t kind;
        size_t source, destination;
        const char *complaint;
    } rows[] = {
        {PROXIED_CLIENT, 0, 0, "do not go with it"},
        {PROXIED_CLIENT, 4, 0, "do not go with it"},
        {PROXIED_CLIENT, 4, 16, "do not go with it"},
        {PROXIED_LOCAL, 4, 4, "do not go with it"},
        {PROXIED_UNKNOWN, 0, 4, "do not go with it"},
        {PROXIED_CLIENT, 5, 5, "of no family"},
        {0, 0, 0, "of no kind"},
        {4, 4, 4, "of no kind"},
    };
    struct rig *r = rig_open(BALANCED);
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rig_connection c;
        rig_connect(r, &c);
        assert_int_equal(link_send(&c.worker, proxied, .kind = rows[i].kind,
                                   .source = sp_span_of(octets, rows[i].source),
                                   .destination = sp_span_of(octets, rows[i].destination)),
                         0);
        is_illegal(r, &c, rows[i].complaint);
    }
    rig_close(r);
}

/* ---- limits ------------------------------------------------------------------------------------------------ */

static void a_header_is_not_waited_for_for_ever(void **state)
{
    struct rig *r = rig_open(BALANCED "LoginGraceTime 1\n");
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_true(sp_span_is(rig_expect(r, &c.worker, PHASE_START, MSG_end)->end.text,
                           "No PROXY protocol header came in time"));
    rig_log_wait(r, "No PROXY protocol header in time from balancer 127.0.0.1 port ");
    rig_hang_up(&c);
    rig_close(r);
}

static void its_time_is_short_whatever_the_grace_time(void **state)
{
    struct rig *r = rig_open(BALANCED "LoginGraceTime 0\n");
    struct rig_connection c, told;
    uint64_t begun = clock_ms();
    (void)state;
    rig_connect(r, &c);
    rig_connect(r, &told);
    say_client(&told, 1);
    (void)answer(r, &told);
    (void)rig_expect(r, &c.worker, PHASE_START, MSG_end);
    assert_true(clock_ms() - begun >= 4900 && clock_ms() - begun < 7000);
    rig_expect_silence(r, &told.worker, PHASE_START);
    rig_hang_up(&c);
    rig_hang_up(&told);
    rig_close(r);
}

static void sources_are_those_that_the_balancer_says(void **state)
{
    struct rig *r = rig_open(BALANCED "PerSourceMaxStartups 2\n");
    struct rig_connection c[5];
    (void)state;
    for (int i = 0; i < 4; i++) {
        rig_connect(r, &c[i]);
        say_client(&c[i], (uint8_t)(1 + i / 2));
        (void)answer(r, &c[i]);
    }
    rig_connect(r, &c[4]);
    say_client(&c[4], 1);
    is_refused(r, &c[4], "Exceeded MaxStartups");
    rig_log_wait(r, "\"reason\":\"per_source_max_startups\"");
    rig_hang_up(&c[4]);
    rig_connect(r, &c[4]);
    say_client(&c[4], 3);
    (void)answer(r, &c[4]);
    for (int i = 0; i < 5; i++)
        rig_hang_up(&c[i]);
    rig_close(r);
}

static void a_crash_has_the_client_wait_and_not_the_balancer(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    say_client(&c, 1);
    (void)answer(r, &c);
    link_close(&c.worker);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], worker_exited, .connection = c.id, .status = SIGSEGV),
                     0);
    rig_log_wait(r, "The worker of 192.0.2.1 port 4711 died");
    rig_hang_up(&c);
    rig_connect(r, &c);
    say_client(&c, 1);
    is_refused(r, &c, "Not allowed at this time");
    rig_log_wait(r, "\"reason\":\"penalty\"");
    rig_hang_up(&c);
    rig_connect(r, &c);
    say_client(&c, 2);
    (void)answer(r, &c);
    rig_hang_up(&c);
    rig_close(r);
}

static void a_crash_before_it_is_known_whose_it_is_has_nobody_wait(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, event, .level = LOG_LEVEL_INFO, .name = sp_text("x")), 0);
    link_close(&c.worker);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], worker_exited, .connection = c.id, .status = SIGSEGV),
                     0);
    rig_log_wait(r, "\"event\":\"worker_crashed\"");
    rig_hang_up(&c);
    rig_connect(r, &c);
    assert_int_equal(say(&c, PROXIED_LOCAL, (struct sp_span){0}, (struct sp_span){0}), 0);
    (void)answer(r, &c);
    rig_hang_up(&c);
    rig_close(r);
}

static void those_that_nobody_has_spoken_for_are_few(void **state)
{
    struct rig *r = rig_open(BALANCED "MaxStartups 3\n");
    struct rig_connection c[4];
    (void)state;
    for (int i = 0; i < 3; i++)
        rig_connect(r, &c[i]);
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Exceeded MaxStartups\r\n"));
    close(client);
    /* One that is known makes room among those that are not, and is counted with the others. */
    for (int i = 0; i < 3; i++) {
        say_client(&c[i], (uint8_t)(1 + i));
        (void)answer(r, &c[i]);
    }
    rig_connect(r, &c[3]);
    say_client(&c[3], 9);
    is_refused(r, &c[3], "Exceeded MaxStartups");
    for (int i = 0; i < 4; i++)
        rig_hang_up(&c[i]);
    rig_close(r);
}

static void who_is_refused_keeps_nobody_out(void **state)
{
    struct rig *r = rig_open(BALANCED "MaxStartups 3\nPerSourceMaxStartups 1\n");
    struct rig_connection c[6];
    (void)state;
    for (int i = 0; i < 5; i++) { /* from the second on refused, and their workers take their time */
        rig_connect(r, &c[i]);
        say_client(&c[i], 1);
        if (i == 0)
            (void)answer(r, &c[i]);
        else
            is_refused(r, &c[i], "Exceeded MaxStartups");
    }
    rig_connect(r, &c[5]);
    say_client(&c[5], 2);
    (void)answer(r, &c[5]);
    for (int i = 0; i < 6; i++)
        rig_hang_up(&c[i]);
    rig_close(r);
}

static int dial_from(const struct rig *r, const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->port)};
    inet_pton(AF_INET, source, &from.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void one_balancer_does_not_keep_another_out(void **state)
{
    struct rig *r = rig_open(BALANCED "MaxStartups 3\n");
    struct rig_connection c[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        rig_connect(r, &c[i]);
    int client = dial_from(r, "127.0.0.2");
    rig_expect_end(r, &c[0].worker); /* the oldest of who has most */
    rig_log_wait(r, "\"reason\":\"replaced\"");
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker);
    const struct msg_serve *serve = &rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_serve)->serve;
    assert_true(sp_span_is(serve->remote_address, "127.0.0.2"));
    close(client);
    for (int i = 0; i < 3; i++)
        rig_hang_up(&c[i]);
    rig_close(r);
}

static void max_connections_counts_each_once(void **state)
{
    struct rig *r = rig_open(BALANCED "MaxConnections 2\n");
    struct rig_connection c[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_connect(r, &c[i]);
        say_client(&c[i], 1);
        (void)answer(r, &c[i]);
    }
    int client = rig_dial(r);
    assert_true(rig_is_refused(client, "Exceeded MaxConnections\r\n"));
    close(client);
    for (int i = 0; i < 2; i++)
        rig_hang_up(&c[i]);
    rig_close(r);
}

static void a_worker_does_not_invent_a_balancer(void **state)
{
    uint8_t bytes[64];
    struct sp_out fields = {.data = bytes, .capacity = sizeof bytes};
    struct rig *r = rig_open("");
    struct rig_connection c;
    (void)state;
    sp_put_text(&fields, "balancer");
    sp_put_text(&fields, "10.9.8.7");
    rig_connect(r, &c);
    assert_int_equal(link_send(&c.worker, event, .level = LOG_LEVEL_INFO, .name = sp_text("told"),
                               .fields = sp_written(&fields)),
                     0);
    rig_log_wait(r, "\"told\"");
    assert_int_equal(rig_log_count(r, "10.9.8.7"), 0);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- a zygote that goes -------------------------------------------------------------------------------------- */

/* Its worker goes with it, perhaps having read something. */
static void lose_the_zygote(struct rig *r, struct rig_connection *c, bool having_read)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 198.51.100.9 4711 22\r\n";
    char octet;
    struct pollfd p = {.events = POLLIN};
    rig_connect(r, c);
    p.fd = c->socket;
    assert_int_equal(write(c->client, header, sizeof header - 1), sizeof header - 1);
    assert_int_equal(poll(&p, 1, 10000), 1);
    if (having_read)
        assert_int_equal(read(c->socket, &octet, 1), 1);
    close(c->socket);
    c->socket = -1;
    link_close(&c->worker);
    rig_accept(r, RIG_ZYGOTE);
    assert_int_equal(rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_prepare)->prepare.generation, 1);
    assert_int_equal(link_send(&r->links[RIG_ZYGOTE], prepared, .generation = 1), 0);
}

static void a_header_that_nobody_has_read_is_read_by_another_worker(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    lose_the_zygote(r, &c, false);
    rig_receive_serve(r, &c);
    assert_true(r->inbox.body.serve.proxied);
    say_client(&c, 1);
    (void)answer(r, &c);
    rig_hang_up(&c);
    rig_close(r);
}

static void one_of_which_something_was_read_is_not_served_again(void **state)
{
    struct rig *r = rig_open(BALANCED);
    struct rig_connection c;
    (void)state;
    lose_the_zygote(r, &c, true);
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    rig_log_wait(r, "\"event\":\"ended\"");
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

static void reload(struct rig *r, const char *lines, uint64_t generation)
{
    rig_configure(r, lines);
    rig_signal(r, SIGHUP);
    rig_serve_generation(r, generation);
    char text[32];
    snprintf(text, sizeof text, "generation %d is in force", (int)generation);
    rig_log_wait(r, text);
}

static void names_are_those_of_the_configuration_in_force(void **state)
{
    struct rig *r = rig_open("");
    struct rig_connection c;
    char lines[200];
    (void)state;
    rig_log_wait(r, "\"listener\":\"front\",\"proxied\":\"no\"");
    snprintf(lines, sizeof lines, "ListenerName inside %u\nProxyProtocol inside\nProxyTrusted 127.0.0.1\n",
             r->port);
    reload(r, lines, 2);
    rig_log_wait(r, "\"listener\":\"inside\",\"proxied\":\"yes\"");
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget);
    r->listener = "inside";
    rig_connect(r, &c);
    say_client(&c, 1);
    (void)answer(r, &c);
    rig_sign(r, &c, 0x11); /* with that name */
    reload(r, "", 3);
    r->remote = "192.0.2.1";
    rig_name(r, &c, "alice"); /* open connections keep theirs */
    rig_hang_up(&c);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget);
    (void)rig_expect(r, &r->links[RIG_ZYGOTE], PHASE_ANY, MSG_stop_worker);
    r->listener = "front";
    rig_connect(r, &c);
    assert_false(r->inbox.body.serve.proxied);
    rig_sign(r, &c, 0x22);
    rig_hang_up(&c);
    rig_close(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_has_the_address_that_the_balancer_says),
        cmocka_unit_test(its_login_and_its_records_have_it_too),
        cmocka_unit_test(ipv6_and_what_is_mapped_into_it),
        cmocka_unit_test(the_policy_is_that_of_the_client),
        cmocka_unit_test(a_balancers_own_connections_have_its_address_and_are_not_seen_at_info),
        cmocka_unit_test(a_check_that_is_gone_before_the_answer_has_its_last_words_read),
        cmocka_unit_test(somebody_whom_the_balancer_does_not_know_is_seen),
        cmocka_unit_test(who_is_no_balancer_is_refused),
        cmocka_unit_test(a_worker_says_it_once_and_first),
        cmocka_unit_test(where_there_is_no_balancer_nobody_says_it),
        cmocka_unit_test(addresses_go_with_the_kind),
        cmocka_unit_test(a_header_is_not_waited_for_for_ever),
        cmocka_unit_test(its_time_is_short_whatever_the_grace_time),
        cmocka_unit_test(sources_are_those_that_the_balancer_says),
        cmocka_unit_test(a_crash_has_the_client_wait_and_not_the_balancer),
        cmocka_unit_test(a_crash_before_it_is_known_whose_it_is_has_nobody_wait),
        cmocka_unit_test(those_that_nobody_has_spoken_for_are_few),
        cmocka_unit_test(who_is_refused_keeps_nobody_out),
        cmocka_unit_test(one_balancer_does_not_keep_another_out),
        cmocka_unit_test(max_connections_counts_each_once),
        cmocka_unit_test(a_worker_does_not_invent_a_balancer),
        cmocka_unit_test(a_header_that_nobody_has_read_is_read_by_another_worker),
        cmocka_unit_test(one_of_which_something_was_read_is_not_served_again),
        cmocka_unit_test(names_are_those_of_the_configuration_in_force),
    };
    if (argc != 2)
        return 2;
    rig_program(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
