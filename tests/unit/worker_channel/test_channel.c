/* The life of a channel: worker/channel.c; and global requests: worker/global_request.c. */
#include "fake.h"

#include "worker/ssh_numbers.h"

static int log_in(void **state)
{
    fake_setup(state);
    fake_log_in(*state, 3);
    return 0;
}

static int open_type(struct fake *f, const char *type, uint32_t packet_max)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, type);
    sp_put_u32(out, 9);
    sp_put_u32(out, 1000);
    sp_put_u32(out, packet_max);
    return fake_deliver(f, SSH_MSG_CHANNEL_OPEN);
}

static void expect_refusal(struct fake *f, uint32_t reason)
{
    struct sp_in in = fake_expect(f, 92);
    assert_int_equal(sp_get_u32(&in), 9);
    assert_int_equal(sp_get_u32(&in), reason);
    assert_true(sp_get_string(&in, 200).size != 0);
    assert_int_equal(sp_get_string(&in, 200).size, 0);
    assert_int_equal(sp_get_end(&in), 0);
}

/* ---- open --------------------------------------------------------------------------------------------------------- */

static void opens_as_many_channels_as_allowed(void **state)
{
    struct fake *f = *state;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fake_open(f, 100 + i, UINT32_MAX, 32768), i);
    assert_int_equal(open_type(f, "session", 1000), 0);
    expect_refusal(f, 4);
}

static void opens_none_where_none_are_allowed(void **state)
{
    struct fake *f = fake_new();
    fake_log_in(f, 0);
    assert_int_equal(open_type(f, "session", 1000), 0);
    expect_refusal(f, 1);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, 0), WORKER_E_END);
    fake_free(f);
}

static void never_opens_more_than_the_hard_limit(void **state)
{
    struct fake *f = fake_new();
    fake_log_in(f, UINT32_MAX);
    assert_int_equal(f->c->channels.most, CHANNELS_MAX);
    fake_free(f);
}

static void refuses_forwardings_and_unknown_types(void **state)
{
    struct fake *f = *state;
    static const char *const refused[] = {"direct-tcpip", "x11", "tun@openssh.com", "forwarded-tcpip"};
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_int_equal(open_type(f, refused[i], 1000), 0);
        expect_refusal(f, 1);
    }
    assert_int_equal(open_type(f, "session2", 1000), 0);
    expect_refusal(f, 3);
}

static void refuses_a_packet_size_of_zero(void **state)
{
    struct fake *f = *state;
    assert_int_equal(open_type(f, "session", 0), 0);
    expect_refusal(f, 2);
}

static void rejects_a_trailing_byte_in_open(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = fake_message(f);
    sp_put_text(out, "session");
    sp_put_u32(out, 9);
    sp_put_u32(out, 1000);
    sp_put_u32(out, 1000);
    sp_put_u8(out, 0);
    assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_OPEN), WORKER_E_END);
    fake_expect_nothing(f);
}

static void ends_for_a_session_after_no_more_sessions(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = fake_message(f);
    sp_put_text(out, "no-more-sessions@openssh.com");
    sp_put_bool(out, false);
    assert_int_equal(fake_deliver(f, SSH_MSG_GLOBAL_REQUEST), 0);
    fake_expect_nothing(f);
    assert_int_equal(open_type(f, "session", 1000), WORKER_E_END);
    fake_expect_nothing(f);
}

/* ---- numbers that are not open ---------------------------------------------------------------------------------------- */

static void messages_for_unopened_channels_end_the_connection(void **state)
{
    struct fake *f = *state;
    static const uint8_t bare[] = {96, 97, 99, 100};
    static const uint32_t numbers[] = {0, 2, 3, UINT32_MAX};
    for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
        for (size_t i = 0; i < ARRAY_SIZE(bare); i++)
            assert_int_equal(fake_bare(f, bare[i], numbers[n]), WORKER_E_END);
        assert_int_equal(fake_data(f, numbers[n], sp_text("x")), WORKER_E_END);
        assert_int_equal(fake_request(f, numbers[n], "shell", true, (struct sp_span){0}), WORKER_E_END);
        struct sp_out *out = fake_message(f);
        sp_put_u32(out, numbers[n]);
        sp_put_u32(out, 1);
        assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_WINDOW_ADJUST), WORKER_E_END);
    }
    fake_expect_nothing(f);
}

static void rejects_truncated_and_overlong_messages(void **state)
{
    struct fake *f = *state;
    static const uint8_t numbers[] = {93, 94, 95, 96, 97, 98, 99, 100};
    static const uint8_t zeros[3];
    uint32_t channel = fake_open(f, 1, 1000, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        assert_int_equal(fake_deliver_span(f, numbers[i], sp_span_of(zeros, sizeof zeros)), WORKER_E_END);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct sp_out *out = fake_message(f);
        sp_put_u32(out, channel);
        for (int j = 0; j < 13; j++)
            sp_put_u8(out, 0);
        if (numbers[i] != 98) /* an empty request type of odd length is merely unknown */
            assert_int_equal(fake_deliver(f, numbers[i]), WORKER_E_END);
    }
    fake_expect_nothing(f);
}

static void nothing_of_channels_is_handled_before_login(void **state)
{
    static const unsigned phases[] = {PHASE_START, PHASE_READY, PHASE_AUTH};
    for (size_t p = 0; p < ARRAY_SIZE(phases); p++) {
        struct fake *f = fake_new();
        f->c->phase = phases[p];
        /* Handlers of their own: even a dispatcher gone wrong finds no table. */
        uint8_t bytes[16] = {0};
        struct sp_in in = sp_in_of(sp_span_of(bytes, 4));
        assert_int_equal(on_ssh_channel_eof(f->c, &in), WORKER_E_END);
        for (unsigned number = 80; number <= 100; number++)
            assert_int_equal(fake_deliver_span(f, (uint8_t)number, sp_span_of(bytes, 4)), FAKE_E_PHASE);
        fake_expect_nothing(f);
        fake_free(f);
    }
}

/* ---- window ------------------------------------------------------------------------------------------------------------- */

static int adjust(struct fake *f, uint32_t channel, uint32_t more)
{
    struct sp_out *out = fake_message(f);
    sp_put_u32(out, channel);
    sp_put_u32(out, more);
    return fake_deliver(f, SSH_MSG_CHANNEL_WINDOW_ADJUST);
}

static void keeps_a_window_of_4_gib_whole(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 1, 1, 1000);
    assert_int_equal(adjust(f, channel, UINT32_MAX - 1), 0);
    assert_int_equal(f->c->channels.table[channel].peer_window, UINT32_MAX);
    assert_int_equal(adjust(f, channel, 0), 0);
}

static void window_beyond_its_maximum_ends_the_connection(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 1, UINT32_MAX, 1000);
    assert_int_equal(adjust(f, channel, 1), WORKER_E_END);
}

/* ---- EOF and CLOSE --------------------------------------------------------------------------------------------------------- */

static void answers_close_and_reuses_the_number(void **state)
{
    struct fake *f = *state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fake_open(f, 5, 1000, 1000), 0);
        assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, 0), 0);
        assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, 0), 0);
        assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, 0), 0);
        struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
        assert_int_equal(sp_get_u32(&in), 5);
        assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, 0), WORKER_E_END);
    }
    fake_asked_nothing(f, &f->session); /* it has never heard of these channels */
}

static void number_is_kept_while_an_answer_is_due(void **state)
{
    struct fake *f = *state;
    fake_open(f, 5, 1000, 1000);
    static const uint8_t variable[] = {0, 0, 0, 1, 'A', 0, 0, 0, 1, 'b'};
    assert_int_equal(fake_request(f, 0, "env", true, sp_span_of(variable, sizeof variable)), 0);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, 0), 0);
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    fake_asked(f, &f->session, MSG_channel_env);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_gone)->channel_gone.channel, 0);
    assert_int_equal(fake_open(f, 6, 1000, 1000), 1);
    assert_int_equal(fake_answer(f, channel_done, .channel = 0, .ok = true), 0);
    fake_expect_nothing(f); /* after CLOSE no reply */
    assert_int_equal(fake_open(f, 7, 1000, 1000), 0);
    /* The end of a program that had this number before is not that of the next. */
    assert_int_equal(fake_answer(f, channel_exited, .channel = 0, .serial = 1), 0);
    fake_expect_nothing(f);
}

static void data_after_eof_ends_the_connection(void **state)
{
    struct fake *f = *state;
    fake_open(f, 5, 1000, 1000);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, 0), 0);
    assert_int_equal(fake_data(f, 0, sp_text("x")), WORKER_E_END);
}

/* ---- global requests --------------------------------------------------------------------------------------------------------- */

static int global(struct fake *f, const char *name, bool want)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, name);
    sp_put_bool(out, want);
    sp_put_text(out, "fields");
    return fake_deliver(f, SSH_MSG_GLOBAL_REQUEST);
}

static void global_requests_are_answered_when_wanted(void **state)
{
    struct fake *f = *state;
    assert_int_equal(global(f, "tcpip-forward", true), 0);
    fake_expect(f, 82);
    assert_int_equal(global(f, "keepalive@openssh.com", true), 0);
    fake_expect(f, 81);
    assert_int_equal(global(f, "unknown@example.org", true), 0);
    fake_expect(f, 82);
    assert_int_equal(global(f, "tcpip-forward", false), 0);
    fake_expect_nothing(f);
}

static void silent_client_is_asked_and_then_given_up(void **state)
{
    struct fake *f = *state;
    f->c->auth.limits = (struct auth_limits){.alive_interval_s = 10, .alive_count_max = 2};
    assert_int_equal(alive_wait_ms(f->c, 1000), 0);
    assert_int_equal(alive_tick(f->c, 1000), 0); /* the clock starts */
    fake_expect_nothing(f);
    assert_int_equal(alive_wait_ms(f->c, 4000), 7000);
    assert_int_equal(alive_tick(f->c, 11000), 0);
    struct sp_in in = fake_expect(f, 80);
    assert_true(sp_span_is(sp_get_string(&in, 64), "keepalive@openssh.com"));
    assert_true(sp_get_bool(&in));
    assert_int_equal(fake_deliver_span(f, 82, (struct sp_span){0}), 0);
    assert_int_equal(alive_tick(f->c, 21000), 0); /* it has answered */
    fake_expect_nothing(f);
    assert_int_equal(alive_tick(f->c, 31000), 0);
    assert_int_equal(alive_tick(f->c, 41000), 0);
    fake_expect(f, 80);
    fake_expect(f, 80);
    assert_int_equal(alive_tick(f->c, 50999), 0);
    assert_int_equal(alive_tick(f->c, 51000), WORKER_E_END);
}

static void nobody_is_asked_without_an_interval(void **state)
{
    struct fake *f = *state;
    assert_int_equal(alive_wait_ms(f->c, 1000), -1);
    assert_int_equal(alive_tick(f->c, 1u << 30), 0);
    fake_expect_nothing(f);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, log_in, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opens_as_many_channels_as_allowed),
        TEST(opens_none_where_none_are_allowed),
        TEST(never_opens_more_than_the_hard_limit),
        TEST(refuses_forwardings_and_unknown_types),
        TEST(refuses_a_packet_size_of_zero),
        TEST(rejects_a_trailing_byte_in_open),
        TEST(ends_for_a_session_after_no_more_sessions),
        TEST(messages_for_unopened_channels_end_the_connection),
        TEST(rejects_truncated_and_overlong_messages),
        TEST(nothing_of_channels_is_handled_before_login),
        TEST(keeps_a_window_of_4_gib_whole),
        TEST(window_beyond_its_maximum_ends_the_connection),
        TEST(answers_close_and_reuses_the_number),
        TEST(number_is_kept_while_an_answer_is_due),
        TEST(data_after_eof_ends_the_connection),
        TEST(global_requests_are_answered_when_wanted),
        TEST(silent_client_is_asked_and_then_given_up),
        TEST(nobody_is_asked_without_an_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
