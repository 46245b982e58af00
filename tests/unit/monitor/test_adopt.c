/* A real monitor that ends, in order or not, and another in its place; we are its service manager and all its peers, well and
 * badly. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/util.h"

#include "rig.h"

/* A configuration, and with it a connection that has logged in. */
static struct rig *rig_logged_in(struct rig_connection *c, uint8_t h)
{
    struct rig *r = rig_open_keeping("");
    rig_connect(r, c);
    rig_sign(r, c, h);
    rig_name(r, c, "alice");
    rig_log_in(r, c, "alice");
    rig_notified(r, "FDSTORE=1\nFDPOLL=0\nFDNAME=+2\n");
    return r;
}

/* The signer hears of the old configuration and of the new one; the zygote of the new one alone. */
static void serve_again(struct rig *r, uint64_t old, uint64_t fresh)
{
    const struct msg_configure *configure =
        &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure;
    assert_int_equal(configure->generation, old);
    assert_int_equal(
        link_send(&r->links[RIG_SIGNER], configured, .generation = old, .offer = sp_text("offer")), 0);
    rig_serve_generation(r, fresh);
    rig_notified(r, "READY=1\n");
}

static void rig_kept_wait(struct rig *r, size_t count)
{
    for (int i = 0; i < 1000 && rig_kept_count(r, "") != count; i++) {
        poll(NULL, 0, 5);
        rig_notified(r, "");
    }
    assert_int_equal(rig_kept_count(r, ""), count);
}

static unsigned rig_expect_any(struct rig *r, struct link *link)
{
    assert_int_equal(link_wait(link, PHASE_ANY, &r->inbox, 10000), 0);
    return r->inbox.row->number;
}

static void resume(struct rig *r, struct rig_connection *c)
{
    uint64_t ticket = rig_expect(r, &c->worker, PHASE_LOGIN, MSG_resume)->resume.ticket;
    assert_int_equal(link_send(&c->worker, resumed, .ticket = ticket), 0);
}

static const struct msg_sign *rekey(struct rig *r, struct rig_connection *c, const char *transcript)
{
    assert_int_equal(link_send(&c->worker, ask_signature, .transcript = sp_text(transcript)), 0);
    return &rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_sign)->sign;
}

/* ---- what is kept ------------------------------------------------------------------------------------------ */

static void a_login_is_kept_until_it_ends(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    assert_int_equal(rig_kept_count(r, "+1"), 2); /* the configuration: its record, its snapshot */
    assert_int_equal(rig_kept_count(r, "+2"),
                     3); /* the connection: its record, two links; no process was told of */
    rig_hang_up(&c);
    rig_notified(r, "FDSTOREREMOVE=1\nFDNAME=+2\n");
    assert_int_equal(rig_kept_count(r, ""), 2);
    rig_close(r);
}

static void nothing_is_kept_before_login(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_open_keeping("");
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    rig_name(r, &c, "alice");
    assert_int_equal(
        link_send(&c.session, login_attempt, .method = sp_text("password"), .result = LOGIN_FAILED), 0);
    rig_log_wait(r, "\"auth\"");
    rig_notified(r, "");
    assert_int_equal(rig_kept_count(r, ""), 2);
    rig_hang_up(&c);
    rig_close(r);
}

static void without_the_option_nothing_is_kept(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_open("");
    (void)state;
    rig_connect(r, &c);
    rig_sign(r, &c, 1);
    rig_name(r, &c, "alice");
    rig_log_in(r, &c, "alice");
    rig_log_wait(r, "\"login\"");
    rig_notified(r, "");
    assert_int_equal(rig_kept_count(r, ""), 0);
    rig_hang_up(&c);
    rig_close(r);
}

/* The store holds duplicates of its links: closing ours alone would tell nobody. */
static void an_end_is_an_end_although_links_are_kept(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    assert_int_equal(link_send(&c.worker, ask_login, .user = sp_text("root")), 0);
    rig_expect_end(r, &c.worker);
    rig_expect_end(r, &c.session);
    rig_log_wait(r, "\"illegal\"");
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- what goes on ------------------------------------------------------------------------------------------ */

static void a_connection_goes_on_after_a_crash(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 0x11);
    (void)state;
    rig_crash(r);
    rig_start_again(r);
    serve_again(r, 1, 2);
    resume(r, &c);
    const struct msg_sign *sign = rekey(r, &c, "rekey");
    assert_int_equal(sign->connection, c.id);
    assert_int_equal(sign->generation, 1);
    assert_false(sign->first);
    assert_int_equal(sign->session_id.size, 32);
    assert_int_equal(sign->session_id.data[31], 0x11);
    assert_int_equal(sign->negotiated.size, 9 * 6);
    assert_true(sp_span_is(sign->remote_address, "127.0.0.1"));
    assert_true(sp_span_is(sign->listener, "front"));
    assert_int_equal(sign->local_port, r->port);
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_done, .connection = c.id, .h = sp_text("h"),
                               .signature = sp_text("s"), .host_key = sp_text("k")),
                     0);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_signature);
    rig_log_wait(r, "Connection of user alice from 127.0.0.1 port ");
    rig_hang_up(&c);
    while (rig_expect_any(r, &r->links[RIG_SIGNER]) != MSG_forget)
        ;
    assert_int_equal(r->inbox.body.forget.generation, 1);
    rig_kept_wait(r, 2); /* the new configuration */
    rig_close(r);
}

static bool manager_hears(const struct rig *r, int within_ms)
{
    struct pollfd p = {.fd = r->notify, .events = POLLIN};
    return poll(&p, 1, within_ms) == 1;
}

/* Keys of a configuration that old connections alone need are away, and then are not; and so are those of the new one. */
static void the_start_waits_for_its_own_keys_alone(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    rig_start_again(r);
    (void)rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure);
    assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_configure)->configure.generation, 2);
    rig_notified(r, "");
    struct link *signer = &r->links[RIG_SIGNER];
    assert_int_equal(
        link_send(signer, unconfigured, .generation = 1, .waits = true, .why = sp_text("a is away")), 0);
    rig_log_wait(r, "Connections of an earlier configuration get no new keys as long as");
    assert_int_equal(rig_log_count(r, "The service does not begin"), 0);
    assert_false(manager_hears(r, 200));
    assert_int_equal(
        link_send(signer, unconfigured, .generation = 2, .waits = true, .why = sp_text("b is away")), 0);
    rig_notified(r, "EXTEND_TIMEOUT_USEC=");
    assert_int_equal(link_send(signer, configured, .generation = 1, .offer = sp_text("offer")), 0);
    rig_expect_silence(r, &r->links[RIG_ZYGOTE], PHASE_ANY);
    rig_notified(r, "");
    assert_true(manager_hears(r, 20000)); /* it has to be told again and again, or it loses its patience */
    rig_notified(r, "EXTEND_TIMEOUT_USEC=");
    rig_hang_up(&c);
    rig_close(r);
}

static void a_new_connection_has_a_number_above_all_others(void **state)
{
    struct rig_connection c, next;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    rig_start_again(r);
    serve_again(r, 1, 2);
    resume(r, &c);
    rig_connect(r, &next);
    assert_true(next.id > c.id ||
                c.id > UINT64_MAX / 2); /* it may wrap around, and is another one all the same */
    assert_int_not_equal(next.id, c.id);
    rig_hang_up(&c);
    rig_hang_up(&next);
    rig_close(r);
}

static void what_is_asked_before_it_resumed_is_asked_again(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    (void)rekey(r, &c, "lost with the first monitor");
    rig_crash(r);
    assert_int_equal(link_send(&c.worker, ask_proof, .keys = sp_text("read by the second, and not meant")),
                     0);
    rig_start_again(r);
    serve_again(r, 1, 2);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    resume(r, &c);
    const struct msg_sign *sign = rekey(r, &c, "again");
    assert_true(sp_span_is(sign->transcript, "again"));
    assert_int_equal(link_send(&c.worker, ask_proof, .keys = sp_text("keys")), 0);
    assert_true(sp_span_is(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_prove)->prove.keys, "keys"));
    rig_hang_up(&c);
    rig_close(r);
}

static void resumed_without_being_asked_ends_it(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    assert_int_equal(link_send(&c.worker, resumed), 0);
    rig_expect_end(r, &c.worker);
    rig_hang_up(&c);
    rig_close(r);
}

static void resumed_twice_ends_it(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    rig_start_again(r);
    serve_again(r, 1, 2);
    resume(r, &c);
    assert_int_equal(link_send(&c.worker, resumed), 0);
    rig_expect_end(r, &c.worker);
    rig_log_wait(r, "without having been told to resume");
    rig_hang_up(&c);
    rig_close(r);
}

/* The second monitor has gone before it read the answer, which the third is not to take for its own. */
static void an_answer_to_another_monitor_is_none(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    assert_int_equal(link_send(&c.worker, resumed, .ticket = 4711), 0);
    assert_int_equal(link_send(&c.worker, ask_signature, .transcript = sp_text("for another")), 0);
    rig_start_again(r);
    serve_again(r, 1, 2);
    rig_expect_silence(r, &r->links[RIG_SIGNER], PHASE_ANY);
    resume(r, &c);
    assert_true(sp_span_is(rekey(r, &c, "for this one")->transcript, "for this one"));
    rig_hang_up(&c);
    rig_close(r);
}

static void last_words_are_heard_by_the_next(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    assert_int_equal(link_send(&c.worker, ended, .reason = 11, .by_peer = true, .text = sp_text("bye"),
                               .octets_in = 7, .octets_out = 8, .rekeys = 9),
                     0);
    rig_hang_up(&c);
    rig_start_again(r);
    rig_log_wait(r, "\"octets_in\":\"7\",\"octets_out\":\"8\",\"rekeys\":\"9\"");
    rig_notified(r, "FDSTOREREMOVE=1\nFDNAME=+2\n");
    rig_close(r);
}

static void a_login_process_that_went_meanwhile_ends_it(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    link_close(&c.session);
    rig_start_again(r);
    serve_again(r, 1, 2);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_resume);
    (void)rig_expect(r, &c.worker, PHASE_CLOSING, MSG_end); /* after it has had its time */
    rig_hang_up(&c);
    rig_close(r);
}

/* It was told to end, and crashed then: whoever takes over does not revive it. */
static void who_was_told_to_end_is_told_again(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    (void)rekey(r, &c, "refused");
    assert_int_equal(link_send(&r->links[RIG_SIGNER], sign_refused, .connection = c.id, .reason = 3,
                               .text = sp_text("no"), .why = sp_text("no")),
                     0);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_end);
    rig_crash(r);
    rig_start_again(r);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_resume);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_end);
    rig_hang_up(&c);
    rig_close(r);
}

static void many_restarts_are_as_good_as_one(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 5);
    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        rig_crash(r);
        rig_start_again(r);
        if (i != 0) /* that of the monitor before, which had no connection */
            assert_int_equal(rig_expect(r, &r->links[RIG_SIGNER], PHASE_ANY, MSG_forget)->forget.generation,
                             1 + i);
        serve_again(r, 1, 2 + i);
        resume(r, &c);
        assert_int_equal(rig_kept_count(r, ""), 2 + 3 + 2);
    }
    assert_int_equal(rekey(r, &c, "x")->session_id.data[0], 5);
    rig_hang_up(&c);
    rig_close(r);
}

/* ---- leaving in order --------------------------------------------------------------------------------------- */

static void sigterm_leaves_logins_and_ends_the_others(void **state)
{
    struct rig_connection c, stranger;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_connect(r, &stranger);
    rig_sign(r, &stranger, 2);
    rig_signal(r, SIGTERM);
    const struct msg_end *end = &rig_expect(r, &stranger.worker, PHASE_READY, MSG_end)->end;
    assert_true(sp_span_is(end->text, "The server is restarting"));
    rig_hang_up(&stranger);
    assert_int_equal(rig_exit_status(r), 0);
    rig_notified(r, "STOPPING=1\n");
    rig_notified(r, "");
    assert_int_equal(rig_kept_count(r, ""), 2 + 3 + 3); /* and three tables of counts */
    rig_start_again(r);
    serve_again(r, 1, 2);
    resume(r, &c);
    assert_int_equal(rig_kept_count(r, ""), 2 + 3 + 2); /* they are read once */
    rig_hang_up(&c);
    rig_close(r);
}

static void sigint_waits_for_them(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_signal(r, SIGINT);
    rig_log_wait(r, "\"stopping\"");
    rig_signal(r, SIGINT);
    (void)rig_expect(r, &c.worker, PHASE_LOGIN, MSG_end);
    rig_hang_up(&c);
    assert_int_equal(rig_exit_status(r), 0);
    rig_notified(r, "FDSTOREREMOVE=1\nFDNAME=+2\n");
    rig_close(r);
}

/* ---- what nobody has written ------------------------------------------------------------------------------- */

static int record_of(const struct rig *r, const char *name)
{
    for (size_t i = 0; i < r->kept_count; i++)
        if (strcmp(r->kept[i].name, name) == 0 &&
            fcntl(r->kept[i].fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW))
            return r->kept[i].fd;
    fail_msg("no record is kept under %s", name);
    return -1;
}

/* What is kept now, as often as it is wanted: a monitor takes out what it refuses. */
static void kept_again(struct rig *r, const struct rig_kept *all, size_t count)
{
    while (r->kept_count != 0)
        close(r->kept[--r->kept_count].fd);
    for (size_t i = 0; i < count; i++)
        rig_keep(r, all[i].name, fcntl(all[i].fd, F_DUPFD_CLOEXEC, 3));
}

/* Octets all over a record, one by one: the monitor starts all the same. */
static void a_damaged_record_costs_its_connection_at_most(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    struct rig_kept all[5];
    struct stat st;
    (void)state;
    rig_crash(r);
    assert_int_equal(r->kept_count, ARRAY_SIZE(all));
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        all[i] = r->kept[i];
        all[i].fd = fcntl(r->kept[i].fd, F_DUPFD_CLOEXEC, 3);
    }
    int record = fcntl(record_of(r, "+2"), F_DUPFD_CLOEXEC, 3);
    assert_int_equal(fstat(record, &st), 0);
    for (off_t at = 0; at < st.st_size; at += 7) {
        uint8_t octet, other;
        assert_int_equal(pread(record, &octet, 1, at), 1);
        other = (uint8_t)(octet ^ 0xff);
        assert_int_equal(pwrite(record, &other, 1, at), 1);
        kept_again(r, all, ARRAY_SIZE(all));
        rig_start_again(r); /* its links to the services are what it does after that */
        rig_crash(r);
        assert_int_equal(pwrite(record, &octet, 1, at), 1);
    }
    assert_true(rig_log_count(r, "\"not_adopted\"") > 10);
    assert_int_equal(rig_log_count(r, "\"adoption\""), (st.st_size + 6) / 7);
    kept_again(r, all, ARRAY_SIZE(all));
    rig_start_again(r);
    serve_again(r, 1, 2);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        close(all[i].fd);
    close(record);
    rig_hang_up(&c);
    rig_close(r);
}

static int memory_file(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void what_is_no_connection_is_given_up(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    int pipes[2];
    (void)state;
    rig_crash(r);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    rig_keep(r, "+3", pipes[0]); /* no record */
    rig_keep(r, "+4", memory_file("sallyprt"));
    rig_keep(r, "+5", memory_file("sallyprt and then anything that is long enough to be one"));
    rig_keep(r, "+zzz", pipes[1]); /* no such place */
    for (int i = 0; i < 5; i++)
        rig_keep(r, "+6", memory_file("x"));
    rig_keep(r, "+7", fcntl(record_of(r, "+2"), F_DUPFD_CLOEXEC, 3)); /* a record without its links */
    rig_start_again(r);
    serve_again(r, 1, 2);
    resume(r, &c);
    rig_notified(r, "");
    for (int i = 3; i <= 7; i++) {
        const char name[] = {'+', (char)('0' + i), '\0'};
        /* but +3, which is free again, may have the new configuration by now */
        assert_true(rig_kept_count(r, name) == 0 || rig_kept_count(r, name) == 2);
    }
    assert_int_equal(rig_log_count(r, "\"not_adopted\""), 5);
    assert_int_equal(rekey(r, &c, "x")->connection, c.id);
    rig_hang_up(&c);
    rig_close(r);
}

static void links_of_another_connection_are_not_taken(void **state)
{
    struct rig_connection c, other;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_connect(r, &other);
    rig_sign(r, &other, 2);
    rig_name(r, &other, "bob");
    rig_log_in(r, &other, "bob");
    rig_notified(r, "FDSTORE=1\nFDPOLL=0\nFDNAME=+3\n");
    rig_crash(r);
    for (size_t i = 0; i < r->kept_count; i++) { /* names change places, but not the records' */
        bool record = fcntl(r->kept[i].fd, F_GET_SEALS) >= 0;
        if (!record && strcmp(r->kept[i].name, "+2") == 0)
            snprintf(r->kept[i].name, sizeof r->kept[i].name, "+3");
        else if (!record && strcmp(r->kept[i].name, "+3") == 0)
            snprintf(r->kept[i].name, sizeof r->kept[i].name, "+2");
    }
    rig_start_again(r);
    rig_log_wait(r, "0 connections of the monitor before go on");
    assert_int_equal(rig_log_count(r, "\"not_adopted\""), 2);
    rig_hang_up(&c);
    rig_hang_up(&other);
    rig_close(r);
}

static void who_does_not_keep_any_more_takes_all_of_it_out(void **state)
{
    struct rig_connection c;
    struct rig *r = rig_logged_in(&c, 1);
    (void)state;
    rig_crash(r);
    r->keeps = false;
    rig_start_again(r);
    rig_serve_generation(r, 1);
    rig_notified(r, "READY=1\n");
    assert_int_equal(rig_kept_count(r, ""), 0);
    rig_expect_end(r, &c.worker);
    rig_hang_up(&c);
    rig_close(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_kept_until_it_ends),
        cmocka_unit_test(nothing_is_kept_before_login),
        cmocka_unit_test(without_the_option_nothing_is_kept),
        cmocka_unit_test(an_end_is_an_end_although_links_are_kept),
        cmocka_unit_test(a_connection_goes_on_after_a_crash),
        cmocka_unit_test(the_start_waits_for_its_own_keys_alone),
        cmocka_unit_test(a_new_connection_has_a_number_above_all_others),
        cmocka_unit_test(what_is_asked_before_it_resumed_is_asked_again),
        cmocka_unit_test(resumed_without_being_asked_ends_it),
        cmocka_unit_test(resumed_twice_ends_it),
        cmocka_unit_test(an_answer_to_another_monitor_is_none),
        cmocka_unit_test(last_words_are_heard_by_the_next),
        cmocka_unit_test(a_login_process_that_went_meanwhile_ends_it),
        cmocka_unit_test(who_was_told_to_end_is_told_again),
        cmocka_unit_test(many_restarts_are_as_good_as_one),
        cmocka_unit_test(sigterm_leaves_logins_and_ends_the_others),
        cmocka_unit_test(sigint_waits_for_them),
        cmocka_unit_test(a_damaged_record_costs_its_connection_at_most),
        cmocka_unit_test(what_is_no_connection_is_given_up),
        cmocka_unit_test(links_of_another_connection_are_not_taken),
        cmocka_unit_test(who_does_not_keep_any_more_takes_all_of_it_out),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_adopt SALLYPORTD\n");
        return 2;
    }
    rig_program(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
