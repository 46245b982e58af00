/* A monitor that goes, and one that takes over: what its worker does. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "worker/kex.h"
#include "worker/on_monitor.h"

static struct link_inbox inbox, workers;

static struct connection *in_phase(struct rig *rig, enum ipc_phase phase)
{
    rig->c->inbox = &workers;
    rig->c->phase = phase;
    return rig->c;
}

/* The next message that the worker has sent. */
static const union msg_body *told(struct rig *rig, enum msg_number number)
{
    assert_int_equal(link_receive(&rig->monitor, PHASE_ANY, &inbox), 0);
    assert_int_equal(inbox.row->number, number);
    return &inbox.body;
}

static void told_nothing(struct rig *rig)
{
    assert_int_equal(link_receive(&rig->monitor, PHASE_ANY, &inbox), LINK_E_AGAIN);
}

/* A rekey whose transcript the monitor has. */
static void rekey_ask(struct rig *rig, struct connection *c)
{
    const struct msg_transcript transcript = {.host_key_algorithm = sp_text("ssh-ed25519"),
                                              .secret = sp_text("secret")};
    assert_int_equal(kex_transcript_send(c, &transcript), 0);
    assert_int_equal(c->transport.kex.step, KEX_SIGNING);
}

static void before_login_its_end_is_the_end(void **state)
{
    static const enum ipc_phase phases[] = {PHASE_START, PHASE_READY, PHASE_AUTH};
    struct rig *rig = *state;
    link_close(&rig->monitor);
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
        struct connection *c = in_phase(rig, phases[i]);
        c->ending = false;
        assert_int_equal(on_monitor_lost(c), WORKER_E_END);
        assert_int_equal(c->end_reason, SSH_DISCONNECT_BY_APPLICATION);
    }
}

static void after_login_its_end_is_none(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    link_close(&rig->monitor);
    assert_int_equal(on_monitor_message(c), 0);
    assert_false(c->ending);
    assert_false(link_is_open(&c->monitor));
}

static void whose_exchange_it_has_is_ended(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    rekey_ask(rig, c);
    link_close(&rig->monitor);
    assert_int_equal(on_monitor_message(c), WORKER_E_END);
}

static void who_asks_without_one_is_ended(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    static const struct msg_transcript transcript;
    link_close(&c->monitor);
    assert_int_equal(kex_transcript_send(c, &transcript), WORKER_E_END);
}

static void another_one_is_asked_again(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    uint8_t first[1024];
    rekey_ask(rig, c);
    struct sp_span asked = told(rig, MSG_ask_signature)->ask_signature.transcript;
    size_t size = asked.size;
    memcpy(first, asked.data, size);
    assert_int_equal(link_send(&rig->monitor, resume, .ticket = 77), 0);
    assert_int_equal(on_monitor_message(c), 0);
    assert_int_equal(told(rig, MSG_resumed)->resumed.ticket, 77);
    assert_true(
        sp_span_equal(told(rig, MSG_ask_signature)->ask_signature.transcript, sp_span_of(first, size)));
    told_nothing(rig);
}

static void with_nothing_to_ask_it_says_so_alone(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(link_send(&rig->monitor, resume, .ticket = 1), 0);
    assert_int_equal(on_monitor_message(in_phase(rig, PHASE_LOGIN)), 0);
    assert_int_equal(told(rig, MSG_resumed)->resumed.ticket, 1);
    told_nothing(rig);
}

/* Its transcript is not even kept. */
static void a_first_exchange_is_not_asked_for_again(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_START);
    rekey_ask(rig, c);
    (void)told(rig, MSG_ask_signature);
    assert_null(c->transport.kex.asked.data);
    assert_int_equal(kex_resume(c), 0);
    told_nothing(rig);
}

static void it_cannot_resume_what_has_not_begun(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(link_send(&rig->monitor, resume, .ticket = 1), 0);
    assert_int_equal(on_monitor_message(in_phase(rig, PHASE_START)), -EPROTO);
}

/* It has asked, and is not there any more when it is answered: a session goes on without it, as after any other end of it. */
static void one_that_has_gone_when_it_is_answered_is_lost_and_no_more(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    assert_int_equal(link_send(&rig->monitor, ask_report), 0);
    link_close(&rig->monitor);
    assert_int_equal(on_monitor_message(c), 0);
    assert_false(c->ending);
    assert_false(link_is_open(&c->monitor));
}

static void nor_is_one_that_goes_while_it_resumes(void **state)
{
    struct rig *rig = *state;
    struct connection *c = in_phase(rig, PHASE_LOGIN);
    assert_int_equal(link_send(&rig->monitor, resume, .ticket = 1), 0);
    link_close(&rig->monitor);
    assert_int_equal(on_monitor_message(c), 0);
    assert_false(c->ending);
    assert_false(link_is_open(&c->monitor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(before_login_its_end_is_the_end, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(after_login_its_end_is_none, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(whose_exchange_it_has_is_ended, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(who_asks_without_one_is_ended, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(another_one_is_asked_again, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(with_nothing_to_ask_it_says_so_alone, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(a_first_exchange_is_not_asked_for_again, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(it_cannot_resume_what_has_not_begun, rig_make, rig_drop),
        cmocka_unit_test_setup_teardown(one_that_has_gone_when_it_is_answered_is_lost_and_no_more, rig_make,
                                        rig_drop),
        cmocka_unit_test_setup_teardown(nor_is_one_that_goes_while_it_resumes, rig_make, rig_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
