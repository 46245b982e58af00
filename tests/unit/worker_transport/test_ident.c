/* Identification lines: RFC 4253 section 4.2. */
#include "rig.h"

#include "worker/ident.h"

static int parse(const char *text, size_t size, struct sp_span *line, size_t *used)
{
    return ident_parse(sp_span_of(text, size), line, used);
}

static void takes_version_2_with_and_without_carriage_return(void **state)
{
    static const struct {
        const char *text, *line;
    } good[] = {
        {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH-2.0-OpenSSH_9.2p1 Debian-2"},
        {"SSH-2.0-x\n", "SSH-2.0-x"},
        {"SSH-1.99-Cisco-1.25\r\n", "SSH-1.99-Cisco-1.25"},
        {"SSH-2.0-PuTTY_Release_0.78\r\nrest", "SSH-2.0-PuTTY_Release_0.78"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct sp_span line;
        size_t used;
        assert_int_equal(parse(good[i].text, strlen(good[i].text), &line, &used), 0);
        assert_true(sp_span_is(line, good[i].line));
        assert_int_equal(good[i].text[used - 1], '\n');
    }
}

static void waits_for_the_end_of_a_line(void **state)
{
    const char *text = "SSH-2.0-client_1.0\r\n";
    struct sp_span line;
    size_t used;
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(parse(text, size, &line, &used), IDENT_E_MORE);
}

static void refuses_old_versions_as_old(void **state)
{
    struct sp_span line;
    size_t used;
    assert_int_equal(parse("SSH-1.5-OldClient\n", 18, &line, &used), IDENT_E_OLD);
}

static void refuses_what_is_not_ssh(void **state)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n", "\r\nSSH-2.0-x\r\n", "hello\nSSH-2.0-x\r\n", "SSH-2.0-\r\n",
        "SSH-2.0\r\n",        "SSH-3.0-x\r\n",     "ssh-2.0-x\r\n",        "SSH-2.0-a\tb\r\n",
        "SSH-2.0-a\x80\r\n",  "SSH-2.0-a\rb\n",    "GET / without an end",
    };
    struct sp_span line;
    size_t used;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(parse(bad[i], strlen(bad[i]), &line, &used), IDENT_E_FOREIGN);
}

static void refuses_nul(void **state)
{
    struct sp_span line;
    size_t used;
    assert_int_equal(parse("SSH-2.0-a\0b\r\n", 13, &line, &used), IDENT_E_FOREIGN);
}

static void takes_255_octets_and_not_one_more(void **state)
{
    char text[300] = "SSH-2.0-";
    struct sp_span line;
    size_t used;
    memset(text + 8, 'x', sizeof text - 8);
    memcpy(text + 253, "\r\n", 2);
    assert_int_equal(parse(text, 255, &line, &used), 0);
    assert_int_equal(line.size, 253);
    memset(text + 8, 'x', sizeof text - 8);
    memcpy(text + 254, "\r\n", 2);
    assert_int_equal(parse(text, 256, &line, &used), IDENT_E_FOREIGN);
    assert_int_equal(parse(text, 254, &line, &used), IDENT_E_MORE);
    assert_int_equal(parse(text, 255, &line, &used), IDENT_E_FOREIGN);
}

static void receive(struct rig *rig, const char *text)
{
    struct transport_input *input = &rig->c->transport.input;
    memcpy(input->bytes + input->end, text, strlen(text));
    input->end += strlen(text);
}

static void begins_the_exchange_after_it(void **state)
{
    struct rig *rig = *state;
    receive(rig, "SSH-2.0-test\r\n\1\2\3");
    assert_int_equal(ident_receive(rig->c), 0);
    assert_int_equal(rig->c->transport.kex.step, KEX_OFFERED);
    assert_int_equal(rig_packet(rig).data[0], 20);
    assert_int_equal(rig->c->transport.input.end - rig->c->transport.input.start, 3);
}

static void tells_an_old_client_in_a_line(void **state)
{
    struct rig *rig = *state;
    receive(rig, "SSH-1.5-old\n");
    assert_int_equal(ident_receive(rig->c), WORKER_E_END);
    rig_read(rig);
    assert_true(rig->end > 2 && memcmp(rig->bytes + rig->end - 2, "\r\n", 2) == 0);
    assert_non_null(memmem(rig->bytes, rig->end, "SSH 2.0", 7));
    assert_false(rig->c->transport.ident_done);
    assert_int_equal(rig->c->end_reason, SSH_DISCONNECT_PROTOCOL_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_version_2_with_and_without_carriage_return),
        cmocka_unit_test(waits_for_the_end_of_a_line),
        cmocka_unit_test(refuses_old_versions_as_old),
        cmocka_unit_test(refuses_what_is_not_ssh),
        cmocka_unit_test(refuses_nul),
        cmocka_unit_test(takes_255_octets_and_not_one_more),
        cmocka_unit_test_setup_teardown(begins_the_exchange_after_it, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(tells_an_old_client_in_a_line, rig_make, rig_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
