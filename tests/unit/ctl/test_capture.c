/* Captured KEXINITs in all their forms. */
#include "support.h"

#include "ctl/capture.h"

#define KEX "curve25519-sha256,ext-info-c"

static struct capture capture;
static unsigned line;
static const char *why;

static int read_text(const char *text)
{
    return capture_read(sp_text(text), &capture, &line, &why);
}

static void expect_whole(int result)
{
    assert_int_equal(result, 0);
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_KEX], KEX));
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_CIPHER_C2S], "aes128-ctr"));
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_CIPHER_S2C], "aes256-ctr"));
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_MAC_S2C], "hmac-sha2-512"));
}

static void reads_a_payload(void **state)
{
    uint8_t room[1024];
    (void)state;
    expect_whole(capture_read(kexinit_make(KEX, room, sizeof room), &capture, &line, &why));
}

static void reads_a_packet(void **state)
{
    uint8_t room[1024], packet[1100];
    (void)state;
    struct sp_span whole = packet_make(kexinit_make(KEX, room, sizeof room), packet, sizeof packet);
    expect_whole(capture_read(whole, &capture, &line, &why));
}

static void hex_write(struct sp_span octets, const char *between, char *text)
{
    for (size_t i = 0; i < octets.size; i++)
        text += sprintf(text, "%02X%s", octets.data[i], i % 16 == 15 ? "\n" : between);
}

static void reads_hexadecimal(void **state)
{
    static const char *const betweens[] = {"", " ", ":"};
    uint8_t room[1024];
    char text[8192];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hex_write(kexinit_make(KEX, room, sizeof room), betweens[i], text);
        expect_whole(read_text(text));
    }
}

static void refuses_an_odd_number_of_digits(void **state)
{
    (void)state;
    assert_int_equal(read_text("14 00 0"), CAPTURE_E_MALFORMED);
}

static void refuses_a_trailing_octet(void **state)
{
    uint8_t room[1024];
    (void)state;
    struct sp_span payload = kexinit_make(KEX, room, sizeof room - 1);
    room[payload.size] = 0;
    assert_int_equal(capture_read(sp_span_of(room, payload.size + 1), &capture, &line, &why),
                     CAPTURE_E_MALFORMED);
}

#define DEBUG_LISTS(who_)                                                                                    \
    "debug2: KEX algorithms: " who_ "\r\n"                                                                   \
    "debug2: host key algorithms: ssh-ed25519\r\n"                                                           \
    "debug2: ciphers ctos: aes128-ctr\r\n"                                                                   \
    "debug2: ciphers stoc: aes256-ctr\r\n"                                                                   \
    "debug2: MACs ctos: hmac-sha2-256\r\n"                                                                   \
    "debug2: MACs stoc: hmac-sha2-512\r\n"                                                                   \
    "debug2: compression ctos: none\r\n"                                                                     \
    "debug2: compression stoc: none\r\n"                                                                     \
    "debug2: languages ctos: \r\n"                                                                           \
    "debug2: first_kex_follows 0 \r\n"

static void reads_what_ssh_prints(void **state)
{
    (void)state;
    expect_whole(read_text("OpenSSH_9.2p1\r\ndebug1: Local version string SSH-2.0-OpenSSH_9.2p1\r\n"
                           "debug2: local client KEXINIT proposal\r\n" DEBUG_LISTS(
                               KEX) "debug2: peer server KEXINIT proposal\r\n" DEBUG_LISTS("other")));
    assert_string_equal(capture.identification, "SSH-2.0-OpenSSH_9.2p1");
}

static void does_not_take_the_servers_proposal(void **state)
{
    (void)state;
    assert_int_equal(read_text("debug2: peer server KEXINIT proposal\n" DEBUG_LISTS(KEX)),
                     CAPTURE_E_MALFORMED);
    assert_non_null(strstr(why, "local client KEXINIT proposal"));
    assert_int_equal(read_text("debug2: local client KEXINIT proposal\ndebug2: KEX algorithms: a\n"
                               "debug2: peer server KEXINIT proposal\n" DEBUG_LISTS(KEX)),
                     CAPTURE_E_MALFORMED);
    assert_non_null(strstr(why, "not whole"));
}

static int read_client(const char *text)
{
    return capture_read_client(sp_text(text), &capture, &line, &why);
}

#define CLIENT "HostKeyAlgorithms ssh-ed25519\nCiphers aes128-ctr\nMACs hmac-sha2-256\nCompression none\n"

static void reads_a_described_client(void **state)
{
    (void)state;
    assert_int_equal(
        read_client("# comment\nDescription \"A client\"\nVersion 1\nKexAlgorithms a,b\n" CLIENT), 0);
    assert_string_equal(capture.description, "A client");
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_KEX], "a,b"));
    assert_true(sp_span_is(capture.kexinit.lists[KEXINIT_CIPHER_S2C], "aes128-ctr"));
}

static void says_in_which_line_a_client_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(read_client("Description x\nKexAlgoritms a\n" CLIENT), CAPTURE_E_MALFORMED);
    assert_int_equal(line, 2);
    assert_int_equal(read_client("KexAlgorithms a\nKexAlgorithms b\n" CLIENT), CAPTURE_E_MALFORMED);
    assert_int_equal(line, 2);
    assert_int_equal(read_client(CLIENT), CAPTURE_E_MALFORMED);
    assert_int_equal(line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_payload),
        cmocka_unit_test(reads_a_packet),
        cmocka_unit_test(reads_hexadecimal),
        cmocka_unit_test(refuses_an_odd_number_of_digits),
        cmocka_unit_test(refuses_a_trailing_octet),
        cmocka_unit_test(reads_what_ssh_prints),
        cmocka_unit_test(does_not_take_the_servers_proposal),
        cmocka_unit_test(reads_a_described_client),
        cmocka_unit_test(says_in_which_line_a_client_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
