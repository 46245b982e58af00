/* Data in both directions, windows, and how programs end: worker/pump.c, worker/channel_input.c. */
#include "fake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>

#include "worker/ssh_numbers.h"

static uint8_t block[1u << 20];

static int log_in(void **state)
{
    fake_setup(state);
    fake_log_in(*state, 3);
    return 0;
}

static struct channel *channel_of(struct fake *f, const struct program *p)
{
    return &f->c->channels.table[p->channel];
}

static void expect_data(struct fake *f, const char *text)
{
    struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_DATA);
    assert_int_equal(sp_get_u32(&in), 70);
    assert_true(sp_span_is(sp_get_string(&in, 40000), text));
    assert_int_equal(sp_get_end(&in), 0);
}

static void expect_type(struct fake *f, const char *type)
{
    struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_REQUEST);
    sp_get_u32(&in);
    assert_true(sp_span_is(sp_get_string(&in, 64), type));
    assert_false(sp_get_bool(&in));
}

static size_t read_some(int fd, size_t most)
{
    size_t total = 0;
    while (total < most) {
        ssize_t n = read(fd, block, size_min(most - total, sizeof block));
        if (n <= 0)
            break;
        total += (size_t)n;
    }
    return total;
}

/* Sends data in packets; the sum of what was granted anew meanwhile. */
static uint32_t grants_take(struct fake *f)
{
    uint32_t sum = 0;
    while (f->frame_next < f->frame_count) {
        struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_WINDOW_ADJUST);
        sp_get_u32(&in);
        sum += sp_get_u32(&in);
        assert_int_equal(sp_get_end(&in), 0);
    }
    return sum;
}

static void fill(struct fake *f, uint32_t channel, size_t size)
{
    for (size_t at = 0; at < size; at += PACKET_DATA_MAX)
        assert_int_equal(fake_data(f, channel, sp_span_of(block, size_min(PACKET_DATA_MAX, size - at))), 0);
}

/* ---- program -> client ------------------------------------------------------------------------------------------------ */

static void output_and_error_reach_the_client(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    assert_int_equal(write(p.output, "out", 3), 3);
    assert_int_equal(write(p.error, "err", 3), 3);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "out");
    struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_EXTENDED_DATA);
    assert_int_equal(sp_get_u32(&in), 70);
    assert_int_equal(sp_get_u32(&in), 1);
    assert_true(sp_span_is(sp_get_string(&in, 40000), "err"));
    assert_int_equal(sp_get_end(&in), 0);
    fake_expect_nothing(f);
    program_close(&p);
}

static void data_respects_window_and_packet_size(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 5, 1);
    channel_of(f, &p)->peer_packet_max = 2;
    assert_int_equal(write(p.output, "abcdefg", 7), 7);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "ab");
    expect_data(f, "cd");
    expect_data(f, "e");
    assert_int_equal(fake_turn(f), 0);
    fake_expect_nothing(f);
    struct sp_out *out = fake_message(f);
    sp_put_u32(out, p.channel);
    sp_put_u32(out, 100);
    assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_WINDOW_ADJUST), 0);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "fg");
    program_close(&p);
}

static void nothing_is_read_while_data_may_not_be_sent(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    struct pollfd polls[3];
    assert_int_equal(write(p.output, "out", 3), 3);
    f->data_blocked = true;
    assert_int_equal(channels_poll_fill(f->c, polls, 3), 1); /* standard input alone */
    assert_int_equal(fake_turn(f), 0);
    fake_expect_nothing(f);
    f->data_blocked = false;
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "out");
    program_close(&p);
}

static void channels_take_turns(void **state)
{
    struct fake *f = *state;
    struct program p[2] = {fake_program(f, UINT32_MAX, 1), fake_program(f, UINT32_MAX, 2)};
    size_t sent[2] = {0};
    for (int i = 0; i < 2; i++) {
        fcntl(p[i].output, F_SETPIPE_SZ, 1 << 20);
        assert_int_equal(write(p[i].output, block, 1 << 18), 1 << 18);
        channel_of(f, &p[i])->peer_number = (uint32_t)i;
    }
    f->data_budget = 3 * PACKET_DATA_MAX;
    assert_int_equal(fake_turn(f), 0);
    for (int i = 0; i < 3; i++) {
        struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_DATA);
        uint32_t from = sp_get_u32(&in);
        sent[from] += sp_get_u32(&in);
    }
    fake_expect_nothing(f);
    assert_true(sent[0] >= PACKET_DATA_MAX && sent[1] >= PACKET_DATA_MAX);
    program_close(&p[0]);
    program_close(&p[1]);
}

static void a_turn_is_bounded(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, UINT32_MAX, 1);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(zero >= 0);
    close(channel_of(f, &p)->output.fd);
    channel_of(f, &p)->output.fd = zero; /* a program that never stops */
    assert_int_equal(fake_turn(f), 0);
    assert_true(f->data_sent >= 256 * 1024 && f->data_sent <= 1024 * 1024);
    close(fds[0]);
    close(fds[1]);
    program_close(&p);
}

/* ---- how a program ends -------------------------------------------------------------------------------------------------- */

static void status_then_rest_of_output_then_eof_and_close(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    uint32_t channel = p.channel;
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, channel), 0);
    assert_int_equal(write(p.output, "bye", 3), 3);
    assert_int_equal(fake_answer(f, channel_exited, .channel = channel, .serial = 1, .status = 7), 0);
    struct sp_in in = fake_expect(f, SSH_MSG_CHANNEL_REQUEST);
    assert_int_equal(sp_get_u32(&in), 70);
    assert_true(sp_span_is(sp_get_string(&in, 64), "exit-status"));
    assert_false(sp_get_bool(&in));
    assert_int_equal(sp_get_u32(&in), 7);
    assert_int_equal(sp_get_end(&in), 0);
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "bye");
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    fake_expect_nothing(f);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_gone)->channel_gone.channel, channel);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, channel), 0);
    assert_int_equal(fake_open(f, 1, 1, 1), channel);
}

static void eof_of_output_does_not_close_before_the_exit(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    close(p.output);
    close(p.error);
    p.output = p.error = -1;
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
    fake_expect_nothing(f);
    assert_int_equal(fake_data(f, p.channel, sp_text("still read")), 0);
    assert_int_equal(read_some(p.input, 100), 10);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 1), 0);
    expect_type(f, "exit-status");
    expect_type(f, "eow@openssh.com");
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    program_close(&p);
}

static void background_process_keeps_the_channel_open(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, p.channel), 0);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 1), 0);
    expect_type(f, "exit-status");
    assert_int_equal(fake_turn(f), 0);
    fake_expect_nothing(f);
    assert_int_equal(write(p.output, "late", 4), 4);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "late");
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
}

static void end_is_seen_behind_a_shut_window(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 0, 1);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, p.channel), 0);
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
}

static void nothing_is_lost_behind_a_shut_window(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 0, 1);
    struct pollfd polls[3];
    uint32_t channel = p.channel;
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, channel), 0);
    assert_int_equal(write(p.output, "left", 4), 4);
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    assert_int_equal(fake_turn(f), 0);
    fake_expect_nothing(f);
    assert_int_equal(channels_poll_fill(f->c, polls, 3), 0); /* or poll would return at once, for ever */
    struct sp_out *out = fake_message(f);
    sp_put_u32(out, channel);
    sp_put_u32(out, 3);
    assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_WINDOW_ADJUST), 0);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "lef");
    assert_int_equal(fake_turn(f), 0);
    out = fake_message(f);
    sp_put_u32(out, channel);
    sp_put_u32(out, 1);
    assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_WINDOW_ADJUST), 0);
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "t");
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
}

static void terminal_ends_when_nobody_has_it_open(void **state)
{
    struct fake *f = *state;
    struct program p = fake_terminal(f, 1000, 1);
    struct termios raw;
    tcgetattr(p.input, &raw);
    cfmakeraw(&raw);
    tcsetattr(p.input, TCSANOW, &raw);
    channel_of(f, &p)->peer_number = 70;
    assert_int_equal(write(p.output, "prompt", 6), 6);
    assert_int_equal(fake_data(f, p.channel, sp_text("typed")), 0);
    assert_int_equal(read_some(p.input, 5), 5);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, p.channel), 0); /* which a terminal cannot be told */
    assert_int_equal(fake_turn(f), 0);
    expect_data(f, "prompt");
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
    fake_expect_nothing(f);
    assert_int_equal(fake_answer(f, channel_exited, .channel = 0, .serial = 1), 0);
    expect_type(f, "exit-status");
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
}

/* ---- client -> program --------------------------------------------------------------------------------------------------- */

static void data_goes_straight_to_a_reading_program(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    assert_int_equal(fake_data(f, p.channel, sp_text("hello")), 0);
    assert_int_equal(channel_of(f, &p)->queued, 0);
    assert_null(channel_of(f, &p)->queue);
    assert_int_equal(read_some(p.input, 10), 5);
    program_close(&p);
}

static void data_before_the_program_waits_for_it(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    assert_int_equal(fake_data(f, channel, sp_text("early")), 0);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, channel), 0);
    assert_int_equal(fake_request(f, channel, "shell", false, (struct sp_span){0}), 0);
    int in[2], out[2];
    assert_int_equal(pipe(in) | pipe(out), 0);
    const int three[] = {in[1], out[0], out[0]};
    assert_int_equal(link_send_with(&f->session, three, 3, channel_started, .channel = channel, .serial = 1),
                     0);
    close(in[1]);
    close(out[0]);
    assert_int_equal(on_session_message(f->c), 0);
    assert_int_equal(read_some(in[0], 100), 5); /* and the end of file */
    close(in[0]);
    close(out[1]);
}

static void window_is_enforced_to_the_octet(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    fill(f, channel, CHANNEL_WINDOW_FIRST);
    fake_expect_nothing(f);
    assert_int_equal(fake_data(f, channel, (struct sp_span){0}), 0);
    assert_int_equal(fake_data(f, channel, sp_text("x")), WORKER_E_END);
}

static void data_beyond_the_packet_size_ends_the_connection(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    assert_int_equal(fake_data(f, channel, sp_span_of(block, PACKET_DATA_MAX + 1)), WORKER_E_END);
}

static void window_follows_what_the_program_drains(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    struct channel *ch = channel_of(f, &p);
    fcntl(p.input, F_SETPIPE_SZ, 4096);
    fill(f, p.channel, CHANNEL_WINDOW_FIRST);
    uint32_t granted = grants_take(f);
    assert_true(granted < CHANNEL_WINDOW_FIRST); /* the program has not read yet */
    size_t had = read_some(p.input, SIZE_MAX);
    for (int i = 0; i < 40 && had < CHANNEL_WINDOW_FIRST; i++) {
        assert_int_equal(fake_turn(f), 0);
        had += read_some(p.input, SIZE_MAX);
    }
    assert_int_equal(had, CHANNEL_WINDOW_FIRST);
    granted += grants_take(f);
    assert_true(granted >= CHANNEL_WINDOW_FIRST / 2);
    assert_int_equal(ch->queued, 0);
    assert_int_equal(ch->window, granted);
    program_close(&p);
}

static void queue_keeps_the_order_of_octets(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    uint8_t chunk[1777], next_sent = 0, next_read = 0;
    size_t pending = 0;
    fcntl(p.input, F_SETPIPE_SZ, 4096);
    for (int round = 0; round < 400; round++) {
        for (size_t i = 0; i < sizeof chunk; i++)
            chunk[i] = next_sent++;
        if (channel_of(f, &p)->window >= sizeof chunk) {
            assert_int_equal(fake_data(f, p.channel, sp_span_of(chunk, sizeof chunk)), 0);
            pending += sizeof chunk;
        } else {
            next_sent = (uint8_t)(next_sent - sizeof chunk);
        }
        uint8_t got[1500];
        ssize_t n = read(p.input, got, 1 + (size_t)(round * 37) % sizeof got);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(got[i], next_read++);
        pending -= n > 0 ? (size_t)n : 0;
        assert_int_equal(fake_turn(f), 0);
    }
    assert_true(pending != 0); /* the queue was in use throughout */
    program_close(&p);
}

static void windows_grow_to_their_bound(void **state)
{
    struct fake *f = *state;
    struct program p[3];
    f->discard = false;
    for (uint64_t i = 0; i < 3; i++) {
        p[i] = fake_program(f, 1000, i + 1);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        close(channel_of(f, &p[i])->input.fd);
        channel_of(f, &p[i])->input.fd = null;
    }
    f->discard = true;
    for (int round = 0; round < 3000; round++)
        for (int i = 0; i < 3; i++)
            assert_int_equal(fake_data(f, p[i].channel, sp_span_of(block, PACKET_DATA_MAX)), 0);
    uint64_t sum = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(channel_of(f, &p[i])->window_target <= CHANNEL_WINDOW_MAX);
        sum += channel_of(f, &p[i])->window_target;
    }
    assert_int_equal(sum, CHANNELS_WINDOW_MAX + 3 * CHANNEL_WINDOW_FIRST);
    for (int i = 0; i < 3; i++)
        program_close(&p[i]);
}

static void program_that_reads_no_more_is_told_to_the_client_once(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    close(p.input);
    p.input = -1;
    assert_int_equal(fake_turn(f), 0);
    expect_type(f, "eow@openssh.com");
    fake_expect_nothing(f);
    for (int i = 0; i < 100; i++) /* what still comes is dropped, and the window is given back */
        assert_int_equal(fake_data(f, p.channel, sp_span_of(block, 10000)), 0);
    assert_true(grants_take(f) >= 100 * 10000 - CHANNEL_WINDOW_FIRST);
    program_close(&p);
}

static void other_clients_are_not_told_eow(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    memcpy(f->c->transport.v_c, "SSH-2.0-dropbear_xx", 19);
    close(p.input);
    p.input = -1;
    assert_int_equal(fake_turn(f), 0);
    fake_expect_nothing(f);
    program_close(&p);
}

static void eof_closes_standard_input_when_the_queue_is_empty(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    fcntl(p.input, F_SETPIPE_SZ, 4096);
    fill(f, p.channel, 10000);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, p.channel), 0);
    assert_true(channel_of(f, &p)->input.fd >= 0);
    size_t had = 0;
    for (int i = 0; i < 10; i++) {
        had += read_some(p.input, SIZE_MAX);
        assert_int_equal(fake_turn(f), 0);
    }
    assert_int_equal(had, 10000);
    assert_int_equal(channel_of(f, &p)->input.fd, -1);
    assert_int_equal(read(p.input, block, 1), 0);
    fake_expect_nothing(f); /* no more window for one who has said EOF */
    program_close(&p);
}

static void close_waits_for_a_program_that_still_works_on_its_input(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    fcntl(p.input, F_SETPIPE_SZ, 4096);
    fill(f, p.channel, 6000);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, p.channel), 0);
    fake_expect_nothing(f);
    assert_int_equal(write(p.output, "x", 1), -1); /* output is not wanted any more */
    size_t had = read_some(p.input, SIZE_MAX);
    assert_int_equal(fake_turn(f), 0);
    had += read_some(p.input, SIZE_MAX);
    assert_int_equal(had, 6000);
    fake_expect_nothing(f);
    fake_asked_nothing(f, &f->session); /* nor is it hung up */
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 1), 0);
    expect_type(f, "exit-status");
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    fake_asked(f, &f->session, MSG_channel_gone);
    assert_false(channel_of(f, &p)->used);
    program_close(&p);
}

static void status_reaches_a_client_that_closes_at_eof(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_EOF, p.channel), 0);
    uint32_t channel = p.channel;
    program_close(&p);
    assert_int_equal(fake_turn(f), 0);
    fake_expect(f, SSH_MSG_CHANNEL_EOF);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, channel), 0);
    fake_expect_nothing(f);
    fake_asked_nothing(f, &f->session);
    assert_int_equal(fake_answer(f, channel_exited, .channel = channel, .serial = 1, .status = 3), 0);
    expect_type(f, "exit-status");
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    fake_asked(f, &f->session, MSG_channel_gone);
}

static void status_reaches_a_client_that_closes_before_the_start(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    assert_int_equal(fake_request(f, channel, "shell", true, (struct sp_span){0}), 0);
    assert_int_equal(fake_data(f, channel, sp_text("input")), 0);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, channel), 0);
    int in[2], out[2];
    assert_int_equal(pipe(in) | pipe(out), 0);
    const int three[] = {in[1], out[0], out[0]};
    assert_int_equal(link_send_with(&f->session, three, 3, channel_started, .channel = channel, .serial = 1),
                     0);
    close(in[1]);
    close(out[0]);
    assert_int_equal(on_session_message(f->c), 0);
    fake_expect(f, SSH_MSG_CHANNEL_SUCCESS);
    assert_int_equal(read_some(in[0], 100), 5);
    assert_int_equal(write(out[1], "x", 1), -1);
    assert_int_equal(fake_answer(f, channel_exited, .channel = channel, .serial = 1), 0);
    expect_type(f, "exit-status");
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    close(in[0]);
    close(out[1]);
}

static void refused_program_is_not_waited_for(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    assert_int_equal(fake_request(f, channel, "shell", true, (struct sp_span){0}), 0);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, channel), 0);
    fake_expect_nothing(f);
    assert_int_equal(fake_answer(f, channel_done, .channel = channel, .ok = false), 0);
    fake_expect(f, SSH_MSG_CHANNEL_FAILURE);
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    assert_false(f->c->channels.table[channel].used);
}

static void abandoned_terminal_is_hung_up_at_once(void **state)
{
    struct fake *f = *state;
    struct program p = fake_terminal(f, 1000, 1);
    assert_int_equal(fake_bare(f, SSH_MSG_CHANNEL_CLOSE, p.channel), 0);
    fake_expect(f, SSH_MSG_CHANNEL_CLOSE);
    assert_int_equal(fake_asked(f, &f->session, MSG_channel_gone)->channel_gone.channel, p.channel);
    assert_false(channel_of(f, &p)->used);
    assert_int_equal(read(p.input, block, 1), 0);
    assert_int_equal(fake_answer(f, channel_exited, .channel = p.channel, .serial = 1), 0);
    fake_expect_nothing(f);
    program_close(&p);
}

static void extended_data_counts_against_the_window(void **state)
{
    struct fake *f = *state;
    uint32_t channel = fake_open(f, 70, 1000, 1000);
    for (int i = 0; i < 3; i++) {
        struct sp_out *out = fake_message(f);
        sp_put_u32(out, channel);
        sp_put_u32(out, 1);
        sp_put_string(out, sp_span_of(block, 32768));
        assert_int_equal(fake_deliver(f, SSH_MSG_CHANNEL_EXTENDED_DATA), 0);
        assert_int_equal(f->c->channels.table[channel].queued, 0);
    }
    assert_int_equal(grants_take(f), 3 * 32768);
    assert_int_equal(f->c->channels.table[channel].window, CHANNEL_WINDOW_FIRST);
}

static void eow_of_the_client_closes_output(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    assert_int_equal(fake_request(f, p.channel, "eow@openssh.com", false, (struct sp_span){0}), 0);
    assert_int_equal(write(p.output, "x", 1), -1);
    assert_int_equal(write(p.error, "e", 1), 1);
    fake_expect_nothing(f);
    program_close(&p);
}

static void everything_is_closed_at_the_end(void **state)
{
    struct fake *f = *state;
    struct program p = fake_program(f, 1000, 1);
    struct program t = fake_terminal(f, 1000, 2);
    channels_close_all(f->c);
    assert_int_equal(read(p.input, block, 1), 0);
    assert_int_equal(write(p.output, "x", 1), -1);
    assert_int_equal(read(t.input, block, 1), 0);
    fake_expect_nothing(f);
    assert_int_equal(fake_turn(f), 0);
    program_close(&p);
    program_close(&t);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, log_in, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(output_and_error_reach_the_client),
        TEST(data_respects_window_and_packet_size),
        TEST(nothing_is_read_while_data_may_not_be_sent),
        TEST(channels_take_turns),
        TEST(a_turn_is_bounded),
        TEST(status_then_rest_of_output_then_eof_and_close),
        TEST(eof_of_output_does_not_close_before_the_exit),
        TEST(background_process_keeps_the_channel_open),
        TEST(end_is_seen_behind_a_shut_window),
        TEST(nothing_is_lost_behind_a_shut_window),
        TEST(terminal_ends_when_nobody_has_it_open),
        TEST(data_goes_straight_to_a_reading_program),
        TEST(data_before_the_program_waits_for_it),
        TEST(window_is_enforced_to_the_octet),
        TEST(data_beyond_the_packet_size_ends_the_connection),
        TEST(window_follows_what_the_program_drains),
        TEST(queue_keeps_the_order_of_octets),
        TEST(windows_grow_to_their_bound),
        TEST(program_that_reads_no_more_is_told_to_the_client_once),
        TEST(other_clients_are_not_told_eow),
        TEST(eof_closes_standard_input_when_the_queue_is_empty),
        TEST(close_waits_for_a_program_that_still_works_on_its_input),
        TEST(status_reaches_a_client_that_closes_at_eof),
        TEST(status_reaches_a_client_that_closes_before_the_start),
        TEST(refused_program_is_not_waited_for),
        TEST(abandoned_terminal_is_hung_up_at_once),
        TEST(extended_data_counts_against_the_window),
        TEST(eow_of_the_client_closes_output),
        TEST(everything_is_closed_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
