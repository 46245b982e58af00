/* Message x phase x key exchange, from ssh_messages.def itself. */
#include "rig.h"

#include "worker/dispatch.h"

static const unsigned phases[] = {PHASE_START, PHASE_READY, PHASE_AUTH, PHASE_LOGIN, PHASE_CLOSING};

struct row {
    unsigned number, allowed;
};
static const struct row rows[] = {
#define SSH_MESSAGE(number_, name_, handler_, allowed_, section_) {number_, allowed_},
#include "worker/ssh_messages.def"
#undef SSH_MESSAGE
};

static const struct row *row_of(unsigned number)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

static void every_cell_is_judged_as_its_row_says(void **state)
{
    size_t handled = 0;
    for (unsigned number = 0; number < 256; number++)
        for (size_t p = 0; p < ARRAY_SIZE(phases); p++)
            for (int in_kex = 0; in_kex < 2; in_kex++) {
                const struct row *row = row_of(number);
                enum dispatch_verdict verdict = dispatch_judge((uint8_t)number, phases[p], in_kex);
                if (row && (row->allowed & phases[p]) && (!in_kex || (row->allowed & SSH_DURING_KEX))) {
                    assert_int_equal(verdict, DISPATCH_HANDLE);
                    handled++;
                } else if (!row && !in_kex && phases[p] != PHASE_START) {
                    assert_int_equal(verdict, DISPATCH_UNIMPLEMENTED);
                } else {
                    assert_int_equal(verdict, DISPATCH_END);
                }
            }
    assert_true(handled > 40);
}

/* What the table must say, whoever edits it: each was a hole in some server. */
static void the_first_exchange_takes_nothing_else(void **state)
{
    static const uint8_t expected[] = {1, 20, 21, 30, 32, 34};
    for (unsigned number = 0; number < 256; number++) {
        bool known = memchr(expected, (int)number, sizeof expected) != NULL;
        assert_int_equal(dispatch_judge((uint8_t)number, PHASE_START, false) == DISPATCH_HANDLE, known);
        known = known && number != 20;
        assert_int_equal(dispatch_judge((uint8_t)number, PHASE_START, true) == DISPATCH_HANDLE, known);
    }
}

static void nothing_of_the_connection_protocol_before_login(void **state)
{
    for (unsigned number = 80; number < 256; number++)
        for (size_t p = 0; p < 3; p++)
            assert_int_not_equal(dispatch_judge((uint8_t)number, phases[p], false), DISPATCH_HANDLE);
}

static void no_rekey_between_the_first_exchange_and_login(void **state)
{
    for (unsigned number = 20; number < 50; number++) {
        assert_int_not_equal(dispatch_judge((uint8_t)number, PHASE_READY, false), DISPATCH_HANDLE);
        assert_int_not_equal(dispatch_judge((uint8_t)number, PHASE_AUTH, false), DISPATCH_HANDLE);
    }
}

static void messages_of_a_server_are_never_taken(void **state)
{
    static const uint8_t server[] = {6, 31, 33, 51, 52, 53, 60, 91, 92, 193};
    for (size_t i = 0; i < sizeof server; i++)
        for (size_t p = 0; p < ARRAY_SIZE(phases); p++)
            assert_int_not_equal(dispatch_judge(server[i], phases[p], false), DISPATCH_HANDLE);
}

static void unknown_numbers_are_answered_with_their_sequence(void **state)
{
    struct rig *rig = *state;
    rig->c->phase = PHASE_LOGIN;
    rig->c->transport.in.sequence = 41;
    rig_message(rig);
    assert_int_equal(rig_deliver(rig, 200), 0);
    struct sp_span payload = rig_packet(rig);
    assert_int_equal(payload.size, 5);
    assert_int_equal(payload.data[0], 3);
    assert_int_equal(payload.data[4], 41);
}

static void out_of_phase_ends_the_connection(void **state)
{
    struct rig *rig = *state;
    rig_message(rig);
    assert_int_equal(rig_deliver(rig, 90), WORKER_E_END);
    assert_true(rig->c->ending);
    assert_int_equal(rig->c->end_reason, SSH_DISCONNECT_PROTOCOL_ERROR);
    assert_string_equal(rig->c->end_text, "message 90 (CHANNEL_OPEN) is not allowed now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_judged_as_its_row_says),
        cmocka_unit_test(the_first_exchange_takes_nothing_else),
        cmocka_unit_test(nothing_of_the_connection_protocol_before_login),
        cmocka_unit_test(no_rekey_between_the_first_exchange_and_login),
        cmocka_unit_test(messages_of_a_server_are_never_taken),
        cmocka_unit_test_setup_teardown(unknown_numbers_are_answered_with_their_sequence, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(out_of_phase_ends_the_connection, rig_make, rig_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
