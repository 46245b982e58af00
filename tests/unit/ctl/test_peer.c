/* What a scanned server may send, and what not. */
#include "support.h"

#include "ctl/peer.h"

static uint8_t room[PEER_OCTETS_MAX + 4096];
static size_t used;
static struct peer_said said;
static const char *why;

static void say(struct sp_span octets)
{
    assert_true(used + octets.size <= sizeof room);
    memcpy(room + used, octets.data, octets.size);
    used += octets.size;
}

static int parse(void)
{
    return peer_parse(sp_span_of(room, used), &said, &why);
}

static void say_kexinit(void)
{
    uint8_t payload[1024], packet[1100];
    say(packet_make(kexinit_make("curve25519-sha256", payload, sizeof payload), packet, sizeof packet));
}

static void say_message(uint8_t number)
{
    const uint8_t payload[] = {number, 0, 0, 0, 0};
    uint8_t packet[64];
    say(packet_make(sp_span_of(payload, sizeof payload), packet, sizeof packet));
}

static int begin(void **state)
{
    (void)state;
    used = 0;
    why = NULL;
    return 0;
}

static void reads_a_server(void **state)
{
    (void)state;
    say(sp_text("SSH-2.0-OpenSSH_9.2\r\n"));
    say_kexinit();
    assert_int_equal(parse(), 0);
    assert_true(sp_span_is(said.identification, "SSH-2.0-OpenSSH_9.2"));
    assert_true(sp_span_is(said.kexinit.lists[KEXINIT_KEX], "curve25519-sha256"));
}

static void wants_more_of_every_beginning(void **state)
{
    (void)state;
    say(sp_text("hello\r\nSSH-1.99-old\n"));
    say_kexinit();
    for (size_t end = 0; end < used; end++)
        assert_int_equal(peer_parse(sp_span_of(room, end), &said, &why), PEER_E_MORE);
    assert_int_equal(parse(), 0);
}

static void lines_in_front_are_let_pass_up_to_a_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PEER_LINES_MAX; i++)
        say(sp_text("welcome\n"));
    size_t before = used;
    say(sp_text("SSH-2.0-x\r\n"));
    say_kexinit();
    assert_int_equal(parse(), 0);
    used = before;
    say(sp_text("welcome\nSSH-2.0-x\r\n"));
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

static void refuses_an_endless_line(void **state)
{
    (void)state;
    memset(room, 'a', PEER_LINE_MAX + 1);
    used = PEER_LINE_MAX + 1;
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

static void refuses_another_protocol(void **state)
{
    static const char *const lines[] = {"SSH-1.5-old\n", "SSH-3.0-new\n", "SSH-2.0-\x01\n", "SSH-\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        used = 0;
        say(sp_text(lines[i]));
        assert_int_equal(parse(), PEER_E_MALFORMED);
    }
}

static void refuses_a_long_identification(void **state)
{
    (void)state;
    memset(room, 'a', 400);
    memcpy(room, "SSH-2.0-", 8);
    used = 300;
    say(sp_text("\n"));
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

static void refuses_a_packet_longer_than_any(void **state)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 10, 20};
    (void)state;
    say(sp_text("SSH-2.0-x\r\n"));
    say(sp_span_of(huge, sizeof huge));
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

static void refuses_another_first_message(void **state)
{
    (void)state;
    say(sp_text("SSH-2.0-x\r\n"));
    say_message(21);
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

static void ignored_messages_are_let_pass_up_to_a_number(void **state)
{
    (void)state;
    say(sp_text("SSH-2.0-x\r\n"));
    for (unsigned i = 0; i < PEER_MESSAGES_MAX; i++)
        say_message(2);
    size_t before = used;
    say_kexinit();
    assert_int_equal(parse(), 0);
    used = before;
    say_message(2);
    say_kexinit();
    assert_int_equal(parse(), PEER_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_a_server, begin),
        cmocka_unit_test_setup(wants_more_of_every_beginning, begin),
        cmocka_unit_test_setup(lines_in_front_are_let_pass_up_to_a_number, begin),
        cmocka_unit_test_setup(refuses_an_endless_line, begin),
        cmocka_unit_test_setup(refuses_another_protocol, begin),
        cmocka_unit_test_setup(refuses_a_long_identification, begin),
        cmocka_unit_test_setup(refuses_a_packet_longer_than_any, begin),
        cmocka_unit_test_setup(refuses_another_first_message, begin),
        cmocka_unit_test_setup(ignored_messages_are_let_pass_up_to_a_number, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
