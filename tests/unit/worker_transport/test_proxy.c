/* The header that a balancer sends first: PROXY protocol, versions 1 and 2; and what is done with it. */
#include "rig.h"

#include <stdio.h>
#include <unistd.h>

#include "worker/proxy.h"

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static int parse(const void *bytes, size_t size, struct proxy_header *header, size_t *used)
{
    return proxy_parse(sp_span_of(bytes, size), header, used);
}

static int parse_text(const char *text)
{
    struct proxy_header header;
    size_t used;
    return parse(text, strlen(text), &header, &used);
}

/* ---- version 1 ----------------------------------------------------------------------------------------------- */

static void takes_the_line_of_version_1(void **state)
{
    static const char v4[] = "PROXY TCP4 192.0.2.1 198.51.100.255 56324 22\r\nSSH-2.0-x";
    static const char v6[] = "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n";
    static const uint8_t source6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, destination6[16] = {[15] = 1};
    struct proxy_header header;
    size_t used;
    assert_int_equal(parse(v4, sizeof v4 - 1, &header, &used), 0);
    assert_int_equal(used, strcspn(v4, "\n") + 1);
    assert_int_equal(header.kind, PROXIED_CLIENT);
    assert_int_equal(header.address_size, 4);
    assert_memory_equal(header.source, "\xc0\x00\x02\x01", 4);
    assert_memory_equal(header.destination, "\xc6\x33\x64\xff", 4);
    assert_int_equal(header.source_port, 56324);
    assert_int_equal(header.destination_port, 22);
    assert_int_equal(parse(v6, sizeof v6 - 1, &header, &used), 0);
    assert_int_equal(used, sizeof v6 - 1);
    assert_int_equal(header.address_size, 16);
    assert_memory_equal(header.source, source6, 16);
    assert_memory_equal(header.destination, destination6, 16);
    assert_int_equal(header.source_port, 0);
    assert_int_equal(header.destination_port, 65535);
}

static void takes_the_longest_lines_and_no_longer(void **state)
{
    const char *longest6 = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    const char *longest = "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert_int_equal(strlen(longest), PROXY_V1_MAX);
    assert_int_equal(parse_text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), 0);
    assert_int_equal(parse_text(longest6), 0);
    assert_int_equal(parse_text(longest), 0);
    char over[PROXY_V1_MAX + 2];
    snprintf(over, sizeof over, "PROXY UNKNOWN %0*d", (int)PROXY_V1_MAX - 14, 0);
    assert_int_equal(strlen(over), PROXY_V1_MAX);
    assert_int_equal(parse_text(over), PROXY_E_TOO_LONG);
    over[PROXY_V1_MAX - 1] = 0;
    assert_int_equal(parse_text(over), PROXY_E_MORE);
}

static void what_is_unknown_has_no_address(void **state)
{
    static const char *const lines[] = {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n",
                                        "PROXY UNKNOWN what ever\r\n", "PROXY UNKNOWN ::1 ::1 1 1\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct proxy_header header;
        size_t used;
        assert_int_equal(parse(lines[i], strlen(lines[i]), &header, &used), 0);
        assert_int_equal(header.kind, PROXIED_UNKNOWN);
        assert_int_equal(header.address_size, 0);
        assert_int_equal(used, strlen(lines[i]));
    }
}

static void refuses_lines_that_are_not_exactly_right(void **state)
{
    static const char *const bad[] = {
        "PROXY \r\n",
        "PROXY \n",
        "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
        "PROXY TCP4 192.0.2.1\r192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "PROXY TCP4 0xc0.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 000000\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2x\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP6 1::2::3 ::1 1 2\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (parse_text(bad[i]) != PROXY_E_MALFORMED)
            print_error("%s", bad[i]);
        assert_int_equal(parse_text(bad[i]), PROXY_E_MALFORMED);
    }
    static const char nul[] = "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n";
    struct proxy_header header;
    size_t used;
    assert_int_equal(parse(nul, sizeof nul - 1, &header, &used), PROXY_E_MALFORMED);
}

/* ---- version 2 ----------------------------------------------------------------------------------------------- */

struct v2 {
    uint8_t bytes[PROXY_V2_HEAD + PROXY_V2_REST_MAX + 64];
    size_t size;
};

static void v2_begin(struct v2 *v, uint8_t command, uint8_t family)
{
    memcpy(v->bytes, V2_SIGNATURE, 12);
    v->bytes[12] = command;
    v->bytes[13] = family;
    v->size = PROXY_V2_HEAD;
}

static void v2_add(struct v2 *v, const void *bytes, size_t size)
{
    memcpy(v->bytes + v->size, bytes, size);
    v->size += size;
}

static int v2_parse(struct v2 *v, struct proxy_header *header, size_t *used)
{
    v->bytes[14] = (uint8_t)((v->size - PROXY_V2_HEAD) >> 8);
    v->bytes[15] = (uint8_t)(v->size - PROXY_V2_HEAD);
    return parse(v->bytes, v->size, header, used);
}

static int v2_verdict(struct v2 *v)
{
    struct proxy_header header;
    size_t used;
    return v2_parse(v, &header, &used);
}

#define V4_BLOCK "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x16"

static void v2_client(struct v2 *v)
{
    v2_begin(v, 0x21, 0x11);
    v2_add(v, V4_BLOCK, 12);
}

static void takes_the_octets_of_version_2(void **state)
{
    static const uint8_t block6[36] = {
        0x20,     0x01,        0x0d,        0xb8,        [15] = 1,   [16] = 0xfd,
        [31] = 2, [32] = 0x12, [33] = 0x34, [34] = 0x08, [35] = 0xae};
    struct v2 v;
    struct proxy_header header;
    size_t used;
    v2_client(&v);
    assert_int_equal(v2_parse(&v, &header, &used), 0);
    assert_int_equal(used, 28);
    assert_int_equal(header.kind, PROXIED_CLIENT);
    assert_int_equal(header.address_size, 4);
    assert_memory_equal(header.source, "\xc0\x00\x02\x01", 4);
    assert_memory_equal(header.destination, "\xc6\x33\x64\x02", 4);
    assert_int_equal(header.source_port, 56324);
    assert_int_equal(header.destination_port, 22);
    v2_begin(&v, 0x21, 0x21);
    v2_add(&v, block6, sizeof block6);
    assert_int_equal(v2_parse(&v, &header, &used), 0);
    assert_int_equal(header.address_size, 16);
    assert_memory_equal(header.source, block6, 16);
    assert_memory_equal(header.destination, block6 + 16, 16);
    assert_int_equal(header.source_port, 0x1234);
    assert_int_equal(header.destination_port, 2222);
}

static void local_and_unknown_have_no_address_whatever_follows(void **state)
{
    static const struct {
        uint8_t command, family;
        enum proxied_kind kind;
    } rows[] = {{0x20, 0x00, PROXIED_LOCAL},
                {0x20, 0x11, PROXIED_LOCAL},
                {0x20, 0xff, PROXIED_LOCAL},
                {0x21, 0x00, PROXIED_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (size_t more = 0; more < 40; more += 13) {
            static const uint8_t noise[40] = {[0 ... 39] = 0xee};
            struct v2 v;
            struct proxy_header header;
            size_t used;
            v2_begin(&v, rows[i].command, rows[i].family);
            v2_add(&v, noise, more);
            assert_int_equal(v2_parse(&v, &header, &used), 0);
            assert_int_equal(used, PROXY_V2_HEAD + more);
            assert_int_equal(header.kind, rows[i].kind);
            assert_int_equal(header.address_size, 0);
        }
}

static void other_commands_and_families_are_refused(void **state)
{
    static const uint8_t bad[][2] = {{0x22, 0x11}, {0x2f, 0x11}, {0x11, 0x11}, {0x31, 0x11}, {0x00, 0x11},
                                     {0x21, 0x12}, {0x21, 0x22}, {0x21, 0x31}, {0x21, 0x32}, {0x21, 0x01},
                                     {0x21, 0x10}, {0x21, 0x13}, {0x21, 0x41}, {0x21, 0xff}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        static const uint8_t room[216];
        struct v2 v;
        v2_begin(&v, bad[i][0], bad[i][1]);
        v2_add(&v, room, sizeof room);
        assert_int_equal(v2_verdict(&v), PROXY_E_UNSUPPORTED);
    }
}

static void addresses_have_to_be_there_whole(void **state)
{
    for (size_t size = 0; size < 12; size++) {
        struct v2 v;
        v2_begin(&v, 0x21, 0x11);
        v2_add(&v, V4_BLOCK, size);
        assert_int_equal(v2_verdict(&v), PROXY_E_MALFORMED);
    }
    for (size_t size = 12; size < 36; size++) {
        static const uint8_t room[36];
        struct v2 v;
        v2_begin(&v, 0x21, 0x21);
        v2_add(&v, room, size);
        assert_int_equal(v2_verdict(&v), PROXY_E_MALFORMED);
    }
}

static void what_follows_the_addresses_is_passed_over(void **state)
{
    struct v2 v;
    struct proxy_header header;
    size_t used;
    v2_client(&v);
    v2_add(&v, "\x04\x00\x00", 3); /* nothing */
    v2_add(&v,
           "\x05\x00\x04"
           "abcd",
           7);                                 /* a unique id */
    v2_add(&v, "\x20\x00\x05\x01\0\0\0\0", 8); /* TLS, with nothing in it */
    v2_add(&v, "\xee\x00\x01\xff", 4);         /* the sender's own */
    assert_int_equal(v2_parse(&v, &header, &used), 0);
    assert_int_equal(used, v.size);
    assert_int_equal(header.source_port, 56324);
}

static void what_follows_has_to_end_where_the_header_does(void **state)
{
    static const char *const bad[] = {"\x04", "\x04\x01", "\x04\x01\x01", "\x04\x7f\x01x"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct v2 v;
        v2_client(&v);
        v2_add(&v, bad[i], strlen(bad[i]));
        assert_int_equal(v2_verdict(&v), PROXY_E_MALFORMED);
    }
}

/* The sums are another implementation's, one with a table, over the header with zeros in their place. */
static void a_checksum_has_to_be_right(void **state)
{
    struct v2 v;
    v2_client(&v);
    v2_add(&v, "\x03\x00\x04\xCC\xCC\xCC\xCC", 7);
    assert_int_equal(v2_verdict(&v), PROXY_E_CHECKSUM);
    v2_client(&v);
    v2_add(&v,
           "\x03\x00\x04"
           "\xc7\xc9\x4b\x6c",
           7);
    assert_int_equal(v2_verdict(&v), 0);
    /* Every octet of the addresses and of the sum itself counts; in between is what says that there is a sum. */
    for (size_t i = 16; i < v.size; i = i == 27 ? 31 : i + 1) {
        v.bytes[i] ^= 1;
        assert_int_equal(v2_verdict(&v), PROXY_E_CHECKSUM);
        v.bytes[i] ^= 1;
    }
    v2_client(&v);
    v2_add(&v,
           "\x05\x00\x01x\x03\x00\x04"
           "\x7f\x2b\x3b\x35"
           "\x04\x00\x01y",
           15);
    assert_int_equal(v2_verdict(&v), 0);
    v2_client(&v);
    v2_add(&v, "\x03\x00\x03\xCC\xCC\xCC", 6);
    assert_int_equal(v2_verdict(&v), PROXY_E_MALFORMED);
}

static void the_length_has_a_limit(void **state)
{
    static const uint8_t noise[PROXY_V2_REST_MAX + 1];
    struct v2 v;
    v2_begin(&v, 0x20, 0x00);
    v2_add(&v, noise, PROXY_V2_REST_MAX);
    assert_int_equal(v2_verdict(&v), 0);
    v2_add(&v, noise, 1);
    assert_int_equal(v2_verdict(&v), PROXY_E_TOO_LONG);
    /* It is refused when it is known, not when that much has come. */
    v.size = PROXY_V2_HEAD;
    struct proxy_header header;
    size_t used;
    v.bytes[14] = v.bytes[15] = 0xff;
    assert_int_equal(parse(v.bytes, v.size, &header, &used), PROXY_E_TOO_LONG);
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

static void waits_for_the_whole_header(void **state)
{
    static const char line[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    struct proxy_header header;
    size_t used;
    struct v2 v;
    for (size_t size = 0; size < sizeof line - 1; size++)
        assert_int_equal(parse(line, size, &header, &used), PROXY_E_MORE);
    v2_client(&v);
    v2_add(&v, "\x04\x00\x00", 3);
    assert_int_equal(v2_verdict(&v), 0);
    for (size_t size = 0; size < v.size; size++)
        assert_int_equal(parse(v.bytes, size, &header, &used), PROXY_E_MORE);
}

static void refuses_anything_else_at_once(void **state)
{
    static const char *const bad[] = {
        "SSH-2.0-x\r\n", "S",       "proxy TCP4", "PROXY\r\n",    "PROXY\tTCP4",
        "PRO XY",        "\r\nSSH", "\n",         "\r\n\r\nQUIT", "GET / HTTP/1.1\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(parse_text(bad[i]), PROXY_E_FOREIGN);
}

/* ---- a connection -------------------------------------------------------------------------------------------- */

static void comes(struct rig *rig, const char *text)
{
    struct transport_input *input = &rig->c->transport.input;
    memcpy(input->bytes + input->end, text, strlen(text));
    input->end += strlen(text);
}

static const struct msg_proxied *told(struct rig *rig)
{
    static struct link_inbox inbox;
    assert_int_equal(link_receive(&rig->monitor, PHASE_START, &inbox), 0);
    assert_int_equal(inbox.row->number, MSG_proxied);
    return &inbox.body.proxied;
}

static void the_monitor_is_told_before_anything_of_the_client_is_looked_at(void **state)
{
    struct rig *rig = *state;
    struct connection *c = rig->c;
    c->proxy_step = PROXY_HEADER;
    comes(rig, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nSSH-2.0-client\r\n");
    assert_int_equal(proxy_receive(c), 0);
    const struct msg_proxied *proxied = told(rig);
    assert_int_equal(proxied->kind, PROXIED_CLIENT);
    assert_int_equal(proxied->source.size, 4);
    assert_memory_equal(proxied->source.data, "\xc0\x00\x02\x01", 4);
    assert_int_equal(c->proxy_step, PROXY_ASKED);
    assert_false(c->transport.ident_done);
    rig_read(rig);
    assert_int_equal(rig->end, 0); /* nothing was said to anybody */
    assert_int_equal(memcmp(c->transport.input.bytes + c->transport.input.start, "SSH-2.0-client", 14), 0);
}

static void the_answer_makes_it_the_clients_connection(void **state)
{
    struct rig *rig = *state;
    struct connection *c = rig->c;
    const struct msg_proxied_policy answer = {
        .remote_address = sp_text("192.0.2.1"), .remote_port = 77, .policy = sp_text("RIG")};
    c->variant = NULL;
    c->proxy_step = PROXY_ASKED;
    assert_int_equal(proxy_on_policy(c, &answer), 0);
    assert_int_equal(c->proxy_step, PROXY_NONE);
    assert_string_equal(c->remote_address, "192.0.2.1");
    assert_int_equal(c->remote_port, 77);
    assert_ptr_equal(c->variant, worker_setup_variant(rig->setup, sp_text("RIG")));
    rig_read(rig);
    assert_int_equal(memcmp(rig->bytes, "SSH-2.0-sallyport", 17), 0);
    /* And only once. */
    assert_true(proxy_on_policy(c, &answer) < 0);
}

static void a_policy_that_is_not_prepared_ends_it(void **state)
{
    struct rig *rig = *state;
    rig->c->proxy_step = PROXY_ASKED;
    assert_int_equal(proxy_on_policy(rig->c, &(struct msg_proxied_policy){.policy = sp_text("OTHER")}),
                     WORKER_E_END);
}

static void what_is_no_header_ends_it_with_a_line_for_people(void **state)
{
    struct rig *rig = *state;
    rig->c->proxy_step = PROXY_HEADER;
    comes(rig, "SSH-2.0-client\r\n");
    assert_int_equal(proxy_receive(rig->c), WORKER_E_END);
    assert_int_equal(proxy_refuse(rig->c), 0);
    rig_read(rig);
    assert_non_null(memmem(rig->bytes, rig->end, "clients come through a balancer here\r\n", 38));
    assert_false(rig->c->end_by_peer);
}

static void a_header_that_is_cut_off_is_told_from_silence(void **state)
{
    struct rig *rig = *state;
    rig->c->proxy_step = PROXY_HEADER;
    rig->c->transport.input.eof = true;
    assert_int_equal(proxy_receive(rig->c), PACKET_E_MORE);
    comes(rig, "PROXY TCP4 19");
    assert_int_equal(proxy_receive(rig->c), WORKER_E_END);
    assert_non_null(strstr(rig->c->end_text, "closed within"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_line_of_version_1),
        cmocka_unit_test(takes_the_longest_lines_and_no_longer),
        cmocka_unit_test(what_is_unknown_has_no_address),
        cmocka_unit_test(refuses_lines_that_are_not_exactly_right),
        cmocka_unit_test(takes_the_octets_of_version_2),
        cmocka_unit_test(local_and_unknown_have_no_address_whatever_follows),
        cmocka_unit_test(other_commands_and_families_are_refused),
        cmocka_unit_test(addresses_have_to_be_there_whole),
        cmocka_unit_test(what_follows_the_addresses_is_passed_over),
        cmocka_unit_test(what_follows_has_to_end_where_the_header_does),
        cmocka_unit_test(a_checksum_has_to_be_right),
        cmocka_unit_test(the_length_has_a_limit),
        cmocka_unit_test(waits_for_the_whole_header),
        cmocka_unit_test(refuses_anything_else_at_once),
        cmocka_unit_test_setup_teardown(the_monitor_is_told_before_anything_of_the_client_is_looked_at,
                                        rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(the_answer_makes_it_the_clients_connection, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(a_policy_that_is_not_prepared_ends_it, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(what_is_no_header_ends_it_with_a_line_for_people, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(a_header_that_is_cut_off_is_told_from_silence, rig_make, rig_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
