/* Messages of the transport, what is kept during an exchange, and every bound of the output. */
#include "rig.h"

#include "worker/kex.h"
#include "worker/transport_messages.h"

static void log_in(struct rig *rig)
{
    rig->c->phase = PHASE_LOGIN;
    rig->c->transport.ident_done = true;
}

static int send_message(struct rig *rig, uint8_t number, size_t size)
{
    static const uint8_t zeros[PACKET_PAYLOAD_MAX];
    sp_put_raw(packet_begin(rig->c, number), sp_span_of(zeros, size));
    return packet_end(rig->c);
}

/* ---- during an exchange ------------------------------------------------------------------------------------ */

static void messages_wait_for_new_keys_in_order(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    assert_int_equal(kexinit_send(rig->c), 0);
    for (uint8_t number = 50; number < 60; number++)
        assert_int_equal(send_message(rig, number, number), 0);
    assert_false(packet_may_send_data(rig->c));
    assert_int_equal(rig_packet(rig).data[0], 20);
    assert_int_equal(rig_count(rig), 0);
    rig->c->transport.kex.step = KEX_SWITCHING;
    assert_int_equal(packet_send_kept(rig->c), 0);
    for (uint8_t number = 50; number < 60; number++) {
        struct sp_span payload = rig_packet(rig);
        assert_int_equal(payload.data[0], number);
        assert_int_equal(payload.size, number + 1);
    }
    assert_int_equal(rig->c->transport.output.kept_size, 0);
    assert_true(packet_may_send_data(rig->c));
}

/* RFC 4253 section 7.1. */
static void only_the_transport_speaks_between_keys(void **state)
{
    static const enum kex_step between[] = {KEX_OFFERED, KEX_AGREED, KEX_GROUPED, KEX_SIGNING};
    struct rig *rig = *state;
    log_in(rig);
    for (size_t s = 0; s < ARRAY_SIZE(between); s++)
        for (unsigned number = 1; number < 256; number++) {
            rig->c->transport.kex.step = between[s];
            rig->c->transport.output.kept_size = 0;
            assert_int_equal(send_message(rig, (uint8_t)number, 1), 0);
            bool may = number < 50 && number != 5 && number != 6;
            assert_int_equal(rig_count(rig), may ? 1 : 0);
            assert_int_equal(rig->c->transport.output.kept_size != 0, !may);
        }
}

static void what_is_kept_is_bounded(void **state)
{
    struct rig *rig = *state;
    size_t count = 0;
    int r;
    log_in(rig);
    rig->c->transport.kex.step = KEX_OFFERED;
    while ((r = send_message(rig, 98, 99)) == 0)
        count++;
    assert_int_equal(r, WORKER_E_END);
    assert_int_equal(count, KEPT_SIZE / 104);
    assert_true(rig->c->ending);
}

static void a_second_kexinit_in_an_exchange_ends_it(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    rig->c->transport.kex.step = KEX_AGREED;
    rig_message(rig);
    assert_int_equal(rig_deliver(rig, 20), WORKER_E_END);
}

static void data_in_an_exchange_ends_it(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    rig->c->transport.kex.step = KEX_AGREED;
    rig_message(rig);
    assert_int_equal(rig_deliver(rig, 94), WORKER_E_END);
    assert_string_equal(rig->c->end_text, "message 94 (CHANNEL_DATA) is not allowed now");
}

static void what_the_peer_sent_before_its_kexinit_is_taken(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    assert_int_equal(kexinit_send(rig->c), 0);
    sp_put_text(rig_message(rig), "x");
    assert_int_equal(rig_deliver(rig, 192), 0);
    assert_int_equal(rig_packet(rig).data[0], 20);
    assert_int_equal(rig_count(rig), 0); /* the pong waits */
}

static void newkeys_and_publics_out_of_order_end_it(void **state)
{
    static const enum kex_step steps[] = {KEX_NONE, KEX_OFFERED, KEX_AGREED, KEX_GROUPED, KEX_SIGNING};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct rig *rig;
        rig_make((void **)&rig);
        rig->c->transport.kex.step = steps[i];
        rig_message(rig);
        assert_int_equal(rig_deliver(rig, 21), WORKER_E_END);
        rig_drop((void **)&rig);
        rig_make((void **)&rig);
        rig->c->transport.kex.step = steps[i] == KEX_AGREED ? KEX_SWITCHING : steps[i];
        sp_put_text(rig_message(rig), "public");
        assert_int_equal(rig_deliver(rig, 30), WORKER_E_END);
        rig_drop((void **)&rig);
    }
}

/* ---- the output -------------------------------------------------------------------------------------------- */

static void data_stops_at_the_mark_and_goes_on_when_it_is_drained(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    size_t frames = 0, room;
    for (; packet_may_send_data(rig->c); frames++) {
        uint8_t *data = packet_data_begin(rig->c, 5, 0, SIZE_MAX, &room);
        assert_int_equal(room, PACKET_DATA_MAX);
        memset(data, 'x', room);
        assert_int_equal(packet_data_commit(rig->c, room), 0);
    }
    assert_in_range(packet_waiting(rig->c), OUTPUT_DATA_MARK, OUTPUT_DATA_MARK + PACKET_DATA_MAX + 64);
    assert_int_equal(rig_count(rig), frames);
    assert_true(packet_may_send_data(rig->c));
}

static void a_data_frame_is_what_rfc_4254_says(void **state)
{
    struct rig *rig = *state;
    size_t room;
    log_in(rig);
    memcpy(packet_data_begin(rig->c, 7, 1, 100, &room), "hello", 5);
    assert_int_equal(room, 100);
    assert_int_equal(packet_data_commit(rig->c, 5), 0);
    static const uint8_t extended[] = {95, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
    struct sp_span payload = rig_packet(rig);
    assert_int_equal(payload.size, sizeof extended);
    assert_memory_equal(payload.data, extended, sizeof extended);
    memcpy(packet_data_begin(rig->c, 7, 0, 100, &room), "hi", 2);
    assert_int_equal(packet_data_commit(rig->c, 2), 0);
    static const uint8_t plain[] = {94, 0, 0, 0, 7, 0, 0, 0, 2, 'h', 'i'};
    payload = rig_packet(rig);
    assert_int_equal(payload.size, sizeof plain);
    assert_memory_equal(payload.data, plain, sizeof plain);
}

static void an_empty_data_frame_is_dropped(void **state)
{
    struct rig *rig = *state;
    size_t room;
    log_in(rig);
    packet_data_begin(rig->c, 7, 0, 100, &room);
    assert_int_equal(packet_data_commit(rig->c, 0), 0);
    assert_int_equal(send_message(rig, 97, 4), 0);
    assert_int_equal(rig_packet(rig).data[0], 97);
    assert_int_equal(rig_count(rig), 0);
}

static void a_client_that_never_reads_is_ended(void **state)
{
    struct rig *rig = *state;
    size_t size = 0;
    int r;
    log_in(rig);
    while ((r = send_message(rig, 98, 30000)) == 0)
        size += 30000;
    assert_int_equal(r, WORKER_E_END);
    assert_in_range(size, OUTPUT_SIZE - 70000, OUTPUT_SIZE);
}

static void what_was_written_makes_room(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    for (size_t sent = 0; sent < 5 * OUTPUT_SIZE; sent += 30000) {
        assert_int_equal(send_message(rig, 98, 30000), 0);
        if (packet_waiting(rig->c) > OUTPUT_SIZE / 2)
            rig_count(rig);
    }
}

static void a_message_over_its_limit_is_not_sent(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    sp_put_number(packet_begin(rig->c, 98), 0, 8);
    rig->c->transport.output.payload.full = true; /* what a put beyond the limit leaves */
    assert_int_equal(packet_end(rig->c), WORKER_E_END);
    assert_int_equal(rig_count(rig), 0);
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static void ping_is_answered_with_its_data(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    sp_put_text(rig_message(rig), "abc");
    assert_int_equal(rig_deliver(rig, 192), 0);
    static const uint8_t pong[] = {193, 0, 0, 0, 3, 'a', 'b', 'c'};
    struct sp_span payload = rig_packet(rig);
    assert_int_equal(payload.size, sizeof pong);
    assert_memory_equal(payload.data, pong, sizeof pong);
}

static void ping_with_trailing_octets_ends_it(void **state)
{
    struct rig *rig = *state;
    log_in(rig);
    sp_put_text(rig_message(rig), "abc");
    sp_put_u8(&rig->out, 0);
    assert_int_equal(rig_deliver(rig, 192), WORKER_E_END);
}

static void one_service_is_offered(void **state)
{
    struct rig *rig = *state;
    rig->c->phase = PHASE_READY;
    sp_put_text(rig_message(rig), "ssh-userauth");
    assert_int_equal(rig_deliver(rig, 5), 0);
    assert_true(rig->c->auth.offered);
    assert_int_equal(rig_packet(rig).data[0], 6);
    sp_put_text(rig_message(rig), "ssh-connection");
    assert_int_equal(rig_deliver(rig, 5), WORKER_E_END);
    assert_int_equal(rig->c->end_reason, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE);
}

static void disconnect_is_noted_even_if_cut_short(void **state)
{
    struct rig *rig = *state;
    sp_put_u32(rig_message(rig), 11);
    sp_put_text(&rig->out, "bye");
    assert_int_equal(rig_deliver(rig, 1), WORKER_E_END);
    assert_true(rig->c->end_by_peer);
    assert_int_equal(rig->c->end_reason, 11);
    assert_string_equal(rig->c->end_text, "bye");
    rig_message(rig);
    assert_int_equal(rig_deliver(rig, 1), WORKER_E_END);
}

static void ext_info_deliver(struct rig *rig, uint32_t claimed, uint32_t sent, int expected)
{
    sp_put_u32(rig_message(rig), claimed);
    for (uint32_t i = 0; i < sent; i++) {
        sp_put_text(&rig->out, i == 0 ? "ext-info-in-auth@openssh.com" : "other");
        sp_put_text(&rig->out, "0");
    }
    assert_int_equal(rig_deliver(rig, 7), expected);
}

static void ext_info_is_taken_once(void **state)
{
    struct rig *rig = *state;
    rig->c->phase = PHASE_READY;
    ext_info_deliver(rig, 2, 2, 0);
    assert_true(rig->c->transport.ext_info_in_auth);
    ext_info_deliver(rig, 0, 0, WORKER_E_END);
}

static void ext_info_counts_are_checked(void **state)
{
    static const struct {
        uint32_t claimed, sent;
        int expected;
    } cases[] = {{1024, 1024, 0},
                 {1025, 1025, WORKER_E_END},
                 {2, 1, WORKER_E_END},
                 {1, 2, WORKER_E_END},
                 {0xffffffff, 1, WORKER_E_END}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig *rig;
        rig_make((void **)&rig);
        rig->c->phase = PHASE_READY;
        ext_info_deliver(rig, cases[i].claimed, cases[i].sent, cases[i].expected);
        rig_drop((void **)&rig);
    }
}

static void ext_info_goes_to_who_understands_it(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(ext_info_send(rig->c), 0);
    assert_int_equal(rig_count(rig), 0);
    rig->c->transport.ext_info = true;
    assert_int_equal(ext_info_send(rig->c), 0);
    assert_int_equal(rig_packet(rig).data[0], 7);
    assert_int_equal(transport_ext_info_in_auth(rig->c), 0);
    assert_int_equal(rig_count(rig), 0);
    rig->c->transport.ext_info_in_auth = true;
    assert_int_equal(transport_ext_info_in_auth(rig->c), 0);
    assert_int_equal(transport_ext_info_in_auth(rig->c), 0);
    assert_int_equal(rig_count(rig), 1);
}

static void the_first_note_of_an_end_stands(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(connection_fail(rig->c, SSH_DISCONNECT_MAC_ERROR, "first %d", 1), WORKER_E_END);
    assert_int_equal(connection_fail(rig->c, SSH_DISCONNECT_BY_APPLICATION, "second"), WORKER_E_END);
    assert_int_equal(connection_ended_by_peer(rig->c, 3, sp_text("third")), WORKER_E_END);
    assert_int_equal(rig->c->end_reason, SSH_DISCONNECT_MAC_ERROR);
    assert_false(rig->c->end_by_peer);
    assert_string_equal(rig->c->end_text, "first 1");
}

#define RIGGED(test_) cmocka_unit_test_setup_teardown(test_, rig_make, rig_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(messages_wait_for_new_keys_in_order),
        RIGGED(only_the_transport_speaks_between_keys),
        RIGGED(what_is_kept_is_bounded),
        RIGGED(a_second_kexinit_in_an_exchange_ends_it),
        RIGGED(data_in_an_exchange_ends_it),
        RIGGED(what_the_peer_sent_before_its_kexinit_is_taken),
        cmocka_unit_test(newkeys_and_publics_out_of_order_end_it),
        RIGGED(data_stops_at_the_mark_and_goes_on_when_it_is_drained),
        RIGGED(a_data_frame_is_what_rfc_4254_says),
        RIGGED(an_empty_data_frame_is_dropped),
        RIGGED(a_client_that_never_reads_is_ended),
        RIGGED(what_was_written_makes_room),
        RIGGED(a_message_over_its_limit_is_not_sent),
        RIGGED(ping_is_answered_with_its_data),
        RIGGED(ping_with_trailing_octets_ends_it),
        RIGGED(one_service_is_offered),
        RIGGED(disconnect_is_noted_even_if_cut_short),
        RIGGED(ext_info_is_taken_once),
        cmocka_unit_test(ext_info_counts_are_checked),
        RIGGED(ext_info_goes_to_who_understands_it),
        RIGGED(the_first_note_of_an_end_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
