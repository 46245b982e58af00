/* Requests, their order and the programs they start: worker/channel_request.c, worker/channel_program.c. */
#include "fake.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "worker/ssh_numbers.h"

static int log_in(void **state)
{
    fake_setup(state);
    fake_log_in(*state, 3);
    return 0;
}

static struct sp_span fields_of(struct sp_out *out, const char *first, const char *second)
{
    sp_put_text(out, first);
    if (second)
        sp_put_text(out, second);
    return sp_written(out);
}

static int request_text(struct fake *f, uint32_t channel, const char *type, const char *first,
                        const char *second)
{
    static uint8_t bytes[PACKET_PAYLOAD_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    return fake_request(f, channel, type, true, fields_of(&out, first, second));
}

static int request_pty(struct fake *f, uint32_t channel)
{
    uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&out, "xterm");
    for (uint32_t i = 1; i <= 4; i++)
        sp_put_u32(&out, i);
    sp_put_string(&out, sp_span_of("\0", 1));
    return fake_request(f, channel, "pty-req", true, sp_written(&out));
}

static int window_change(struct fake *f, uint32_t channel, uint32_t columns, uint32_t rows, bool want)
{
    uint8_t bytes[16];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    sp_put_u32(&out, columns);
    sp_put_u32(&out, rows);
    sp_put_u32(&out, 0);
    sp_put_u32(&out, 0);
    return fake_request(f, channel, "window-change", want, sp_written(&out));
}

static int started(struct fake *f, uint32_t channel, uint64_t serial)
{
    int fds[2];
    if (pipe(fds))
        return -1;
    const int three[] = {fds[1], fds[0], fds[0]};
    int r = link_send_with(&f->session, three, 3, channel_started, .channel = channel, .serial = serial);
    close(fds[0]);
    close(fds[1]);
    return r ? r : on_session_message(f->c);
}

/* ---- order ------------------------------------------------------------------------------------------------------------ */

static void replies_come_in_the_order_of_pipelined_requests(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, ch, "env", "LANG", "C"), 0);
    assert_int_equal(request_pty(f, ch), 0);
    assert_int_equal(fake_request(f, ch, "x11-req", true, (struct sp_span){0}),
                     0);                                     /* refused here, but waits */
    assert_int_equal(window_change(f, ch, 80, 24, true), 0); /* done here, but waits */
    assert_int_equal(fake_request(f, ch, "shell", true, (struct sp_span){0}), 0);
    fake_expect_nothing(f);
    const union msg_body *body = fake_asked(f, &f->session, MSG_channel_env);
    assert_true(sp_span_is(body->channel_env.name, "LANG") && sp_span_is(body->channel_env.value, "C"));
    body = fake_asked(f, &f->session, MSG_channel_pty);
    assert_true(sp_span_is(body->channel_pty.term, "xterm"));
    assert_int_equal(body->channel_pty.columns, 1);
    assert_int_equal(body->channel_pty.height_px, 4);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_run)->channel_run.kind, PROGRAM_SHELL);

    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = false), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    fake_expect_nothing(f);
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = true), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS); /* pty-req */
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE); /* x11-req */
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS); /* window-change */
    fake_expect_nothing(f);
    assert_int_equal(started(f, ch, 1), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    fake_expect_nothing(f);
    assert_int_equal(f->c->channels.replies_due, 0);
}

static void unwanted_replies_are_not_sent(void **state)
{
    struct fake *f = *state;
    uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(fake_request(f, ch, "env", false, fields_of(&out, "A", "b")), 0);
    assert_int_equal(fake_request(f, ch, "nonsense", false, sp_written(&out)), 0);
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = true), 0);
    fake_expect_nothing(f);
}

static void client_waits_behind_64_unanswered_requests(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    for (unsigned i = 0; i < CHANNEL_REQUESTS_MAX; i++) {
        assert_false(session_is_behind(f->c));
        assert_int_equal(request_text(f, ch, "env", "A", "b"), 0);
    }
    assert_true(session_is_behind(f->c));
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = true), 0);
    assert_false(session_is_behind(f->c));
    assert_int_equal(request_text(f, ch, "env", "A", "b"), 0);
    /* A dispatcher that does not wait loses the connection, not the order. */
    assert_int_equal(request_text(f, ch, "env", "A", "b"), WORKER_E_END);
}

static void answers_that_nobody_asked_for_end_the_connection(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = true), WORKER_E_END);
    assert_int_equal(fake_answer(f, channel_done, .channel = 77, .ok = true), WORKER_E_END);
    assert_int_equal(started(f, ch, 1), WORKER_E_END);
    assert_int_equal(request_text(f, ch, "env", "A", "b"), 0);
    assert_int_equal(started(f, ch, 1), WORKER_E_END); /* env is not answered with a program */
    fake_expect_nothing(f);
}

/* ---- what is refused ------------------------------------------------------------------------------------------------------- */

static void one_program_per_channel(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, ch, "exec", "date", NULL), 0);
    assert_true(sp_span_is(fake_asked(f, &f->session, MSG_channel_run)->channel_run.command, "date"));
    assert_int_equal(request_text(f, ch, "subsystem", "sftp", NULL), 0);
    assert_int_equal(request_text(f, ch, "env", "A", "b"), 0);
    assert_int_equal(request_pty(f, ch), 0);
    fake_asked_nothing(f, &f->session);
    assert_int_equal(started(f, ch, 1), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    for (int i = 0; i < 3; i++)
        fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    fake_expect_nothing(f);
}

static void refused_program_may_be_followed_by_another(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, ch, "subsystem", "none", NULL), 0);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_run)->channel_run.kind, PROGRAM_SUBSYSTEM);
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = false), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    assert_int_equal(request_text(f, ch, "exec", "date", NULL), 0);
    fake_asked(f, &f->session, MSG_channel_run);
    assert_int_equal(started(f, ch, 1), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
}

static void program_cannot_be_answered_done_and_well(void **state)
{
    struct fake *f = *state;
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, ch, "exec", "date", NULL), 0);
    assert_int_equal(fake_answer(f, channel_done, .channel = ch, .ok = true), WORKER_E_END);
}

static void values_over_their_limits_are_refused(void **state)
{
    struct fake *f = *state;
    static char text[32770];
    uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(request_text(f, ch, "exec", text, NULL), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    text[257] = 0;
    assert_int_equal(request_text(f, ch, "env", text, "v"), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    assert_int_equal(request_text(f, ch, "env", "", "v"), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    sp_put_string(&out, sp_span_of("a\0b", 3));
    assert_int_equal(fake_request(f, ch, "exec", true, sp_written(&out)), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    fake_asked_nothing(f, &f->session);
}

static void rejects_trailing_bytes_in_requests(void **state)
{
    struct fake *f = *state;
    static const char *const types[] = {"env",           "pty-req", "shell", "exec",           "subsystem",
                                        "window-change", "signal",  "break", "eow@openssh.com"};
    static const uint8_t bytes[61];
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        f->c->ending = false;
        assert_int_equal(fake_request(f, ch, types[i], true, sp_span_of(bytes, sizeof bytes)), WORKER_E_END);
    }
    fake_asked_nothing(f, &f->session);
    fake_expect_nothing(f);
}

static void agent_and_x11_forwarding_are_refused(void **state)
{
    struct fake *f = *state;
    static const char *const types[] = {"auth-agent-req@openssh.com", "auth-agent-req", "x11-req",
                                        "exit-status"};
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        assert_int_equal(fake_request(f, ch, types[i], true, sp_text("whatever")), 0);
        fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    }
    assert_int_equal(fake_request(f, ch, "keepalive@openssh.com", true, (struct sp_span){0}), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    fake_asked_nothing(f, &f->session);
}

/* ---- a running program ------------------------------------------------------------------------------------------------------ */

static void signals_reach_a_running_program_only(void **state)
{
    struct fake *f = *state;
    uint32_t idle = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, idle, "signal", "TERM", NULL), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    struct program p = fake_program(f, 1000, 4);
    assert_int_equal(request_text(f, p.channel, "signal", "TERM", NULL), 0);
    assert_true(sp_span_is(fake_asked(f, &f->session, MSG_channel_signal)->channel_signal.name, "TERM"));
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 4), 0);
    assert_int_equal(request_text(f, p.channel, "signal", "KILL", NULL), 0);
    fake_asked_nothing(f, &f->session);
    program_close(&p);
}

static void window_change_reaches_the_terminal(void **state)
{
    struct fake *f = *state;
    struct program p = fake_terminal(f, 1000, 4);
    struct winsize size;
    assert_int_equal(window_change(f, p.channel, 132, 50, false), 0);
    assert_int_equal(ioctl(p.input, TIOCGWINSZ, &size), 0);
    assert_int_equal(size.ws_col, 132);
    assert_int_equal(size.ws_row, 50);
    assert_int_equal(window_change(f, p.channel, 70000, 1, true), 0);
    assert_int_equal(ioctl(p.input, TIOCGWINSZ, &size), 0);
    assert_int_equal(size.ws_col, 65535);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    fake_asked_nothing(f, &f->session);
    program_close(&p);
}

static void break_is_for_terminals(void **state)
{
    struct fake *f = *state;
    static const uint8_t length[] = {0, 0, 1, 0};
    struct program pipes = fake_program(f, 1000, 4);
    assert_int_equal(fake_request(f, pipes.channel, "break", true, sp_span_of(length, 4)), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    struct program tty = fake_terminal(f, 1000, 5);
    assert_int_equal(fake_request(f, tty.channel, "break", true, sp_span_of(length, 4)), 0);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_break)->channel_break.length_ms, 256);
    assert_int_equal(fake_answer(f, channel_done, .channel = tty.channel, .ok = true), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    program_close(&pipes);
    program_close(&tty);
}

static void terminal_that_was_not_asked_for_ends_the_connection(void **state)
{
    struct fake *f = *state;
    int fds[2];
    uint32_t ch = fake_open(f, 5, 1000, 1000);
    assert_int_equal(request_text(f, ch, "exec", "date", NULL), 0);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(link_send_with(&f->session, fds, 1, channel_started_tty, .channel = ch, .serial = 1), 0);
    assert_int_equal(on_session_message(f->c), WORKER_E_END);
    close(fds[0]);
    close(fds[1]);
}

static void exit_signal_is_told(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 4);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 4,
                                 .signal = sp_text("SEGV"), .core_dumped = true),
                     0);
    struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_REQUEST);
    assert_int_equal(sp_get_u32(&in), 70);
    assert_true(sp_span_is(sp_get_string(&in, 64), "exit-signal"));
    assert_false(sp_get_bool(&in));
    assert_true(sp_span_is(sp_get_string(&in, 64), "SEGV"));
    assert_true(sp_get_bool(&in));
    assert_int_equal(sp_get_string(&in, 64).size, 0);
    assert_int_equal(sp_get_string(&in, 64).size, 0);
    assert_int_equal(sp_get_end(&in), 0);
    program_close(&p);
}

static void exit_of_another_serial_is_ignored(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 4);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 3), 0);
    assert_int_equal(fake_answer(f, channel_exited, .channel = 200, .serial = 4), 0);
    fake_expect_nothing(f);
    program_close(&p);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, log_in, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replies_come_in_the_order_of_pipelined_requests),
        TEST(unwanted_replies_are_not_sent),
        TEST(client_waits_behind_64_unanswered_requests),
        TEST(answers_that_nobody_asked_for_end_the_connection),
        TEST(one_program_per_channel),
        TEST(refused_program_may_be_followed_by_another),
        TEST(program_cannot_be_answered_done_and_well),
        TEST(values_over_their_limits_are_refused),
        TEST(rejects_trailing_bytes_in_requests),
        TEST(agent_and_x11_forwarding_are_refused),
        TEST(signals_reach_a_running_program_only),
        TEST(window_change_reaches_the_terminal),
        TEST(break_is_for_terminals),
        TEST(terminal_that_was_not_asked_for_ends_the_connection),
        TEST(exit_signal_is_told),
        TEST(exit_of_another_serial_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
