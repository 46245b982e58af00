/* Host keys after login: worker/hostkeys.c. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "ipc/offer.h"
#include "worker/hostkeys.h"
#include "worker/ssh_numbers.h"

static uint8_t offer_bytes[32768];

static void offer_add(struct sp_out *offer, const char *type, const char *rest, const char *algorithms)
{
    uint8_t bytes[256];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&blob, type);
    sp_put_text(&blob, rest);
    offer_put_key(&(struct offer_key){.algorithms = sp_text(algorithms),
                                      .blob = sp_written(&blob),
                                      .valid_before = UINT64_MAX},
                  offer);
}

/* A current key, its certificate, and a staged one; not logged in yet. */
static int keys_offered(void **state)
{
    int r = fake_setup(state);
    struct fake *f = *state;
    struct sp_out offer = {.data = offer_bytes, .capacity = sizeof offer_bytes};
    offer_add(&offer, "ssh-ed25519", "one", "ssh-ed25519");
    offer_add(&offer, "ssh-ed25519-cert-v01@openssh.com", "one", "ssh-ed25519-cert-v01@openssh.com");
    offer_add(&offer, "ecdsa-sha2-nistp256", "two", "");
    f->c->hostkeys.offered = sp_written(&offer);
    return r;
}

static int logged_in(void **state)
{
    int r = keys_offered(state);
    struct fake *f = *state;
    fake_log_in(f, 4);
    return r;
}

static void put_key(struct sp_out *out, const char *type, const char *rest)
{
    uint8_t bytes[256];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&blob, type);
    sp_put_text(&blob, rest);
    sp_put_string(out, sp_written(&blob));
}

static struct sp_out *request(struct fake *f, bool want)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, "hostkeys-prove-00@openssh.com");
    sp_put_bool(out, want);
    return out;
}

static int deliver(struct fake *f)
{
    return fake_deliver(f, SSH_MSG_GLOBAL_REQUEST);
}

static int ask_one(struct fake *f)
{
    put_key(request(f, true), "ssh-ed25519", "one");
    return deliver(f);
}

static int ask_two(struct fake *f)
{
    put_key(request(f, true), "ecdsa-sha2-nistp256", "two");
    return deliver(f);
}

static int keepalive(struct fake *f)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, "keepalive@openssh.com");
    sp_put_bool(out, true);
    return deliver(f);
}

static int unknown_request(struct fake *f)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, "unknown@example.org");
    sp_put_bool(out, true);
    return deliver(f);
}

static int answer(struct fake *f, const char *signatures)
{
    return hostkeys_on_proofs(f->c, &(const struct msg_proofs){.signatures = sp_text(signatures)});
}

/* ---- announcing ---------------------------------------------------------------------------------------------------- */

static void tells_plain_keys_and_staged_ones_after_login(void **state)
{
    struct fake *f = *state;
    fake_log_in(f, 4);
    assert_int_equal(hostkeys_announce(f->c), 0);
    struct sp_in in = fake_expect(f, SSH_MSG_GLOBAL_REQUEST);
    assert_true(sp_span_is(sp_get_string(&in, 64), "hostkeys-00@openssh.com"));
    assert_false(sp_get_bool(&in));
    struct sp_span one = sp_get_string(&in, 256), two = sp_get_string(&in, 256);
    struct sp_in inside = sp_in_of(one);
    assert_true(sp_span_is(sp_get_string(&inside, 64), "ssh-ed25519"));
    inside = sp_in_of(two);
    assert_true(sp_span_is(sp_get_string(&inside, 64), "ecdsa-sha2-nistp256"));
    assert_int_equal(sp_get_end(&in), 0);
    fake_expect_nothing(f);
}

static void says_nothing_to_clients_that_choke_on_it(void **state)
{
    static const struct {
        const char *version;
        bool told;
    } clients[] = {
        {"SSH-2.0-TTSSH/2.72 Win32", false}, {"SSH-2.0-TTSSH/2.53", false}, {"SSH-2.0-TTSSH/1.5.4", false},
        {"SSH-2.0-TTSSH/2.73 Win32", true},  {"SSH-2.0-TTSSH/3.1", true},   {"SSH-2.0-OpenSSH_10.0", true},
    };
    struct fake *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        f->c->transport.v_c_size = strlen(clients[i].version);
        memcpy(f->c->transport.v_c, clients[i].version, f->c->transport.v_c_size);
        assert_int_equal(hostkeys_announce(f->c), 0);
        if (clients[i].told)
            fake_expect(f, SSH_MSG_GLOBAL_REQUEST);
        fake_expect_nothing(f);
    }
}

static void says_nothing_when_there_is_nothing(void **state)
{
    struct fake *f = *state;
    f->c->hostkeys.offered = (struct sp_span){0};
    assert_int_equal(hostkeys_announce(f->c), 0);
    fake_expect_nothing(f);
}

static void is_not_asked_before_login(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), FAKE_E_PHASE);
    fake_asked_nothing(f, &f->monitor);
}

/* ---- proofs -------------------------------------------------------------------------------------------------------- */

static void asks_the_monitor_and_passes_signatures_on(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = request(f, true);
    put_key(out, "ssh-ed25519", "one");
    put_key(out, "ecdsa-sha2-nistp256", "two");
    assert_int_equal(deliver(f), 0);
    fake_expect_nothing(f);
    struct sp_in keys = sp_in_of(fake_asked(f, &f->monitor, MSG_ask_proof)->ask_proof.keys);
    struct sp_in one = sp_in_of(sp_get_string(&keys, 256)), two = sp_in_of(sp_get_string(&keys, 256));
    assert_true(sp_span_is(sp_get_string(&one, 64), "ssh-ed25519"));
    assert_true(sp_span_is(sp_get_string(&two, 64), "ecdsa-sha2-nistp256"));
    assert_int_equal(sp_get_end(&keys), 0);
    assert_int_equal(answer(f, "signatures"), 0);
    struct sp_in in = fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    assert_true(sp_span_is(sp_get_raw(&in, in.left), "signatures"));
    fake_expect_nothing(f);
}

static void no_proof_is_a_failure(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    assert_int_equal(answer(f, ""), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    fake_expect_nothing(f);
}

static void an_unknown_key_is_a_failure(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = request(f, true);
    put_key(out, "ssh-ed25519", "one");
    put_key(out, "ssh-ed25519", "three");
    assert_int_equal(deliver(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    put_key(request(f, true), "ssh-ed25519-cert-v01@openssh.com", "one"); /* a certificate is no key */
    assert_int_equal(deliver(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    fake_asked_nothing(f, &f->monitor);
}

static void no_key_at_all_is_a_failure(void **state)
{
    struct fake *f = *state;
    request(f, true);
    assert_int_equal(deliver(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    fake_asked_nothing(f, &f->monitor);
}

static void a_second_proof_of_a_key_ends_the_connection(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    fake_asked(f, &f->monitor, MSG_ask_proof);
    assert_int_equal(answer(f, "s"), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    assert_int_equal(ask_two(f), 0); /* another one may be asked for */
    fake_asked(f, &f->monitor, MSG_ask_proof);
    assert_int_equal(answer(f, "s"), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    assert_int_equal(ask_one(f), WORKER_E_END);
    fake_asked_nothing(f, &f->monitor);
    assert_int_equal(f->c->end_reason, SSH_DISCONNECT_PROTOCOL_ERROR);
}

static void the_same_key_twice_in_a_list_ends_the_connection(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = request(f, true);
    put_key(out, "ssh-ed25519", "one");
    put_key(out, "ssh-ed25519", "one");
    assert_int_equal(deliver(f), WORKER_E_END);
    fake_asked_nothing(f, &f->monitor);
}

static void a_list_that_is_too_long_ends_the_connection(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = request(f, true);
    char name[16];
    for (unsigned i = 0; i < HOSTKEYS_MAX; i++) {
        snprintf(name, sizeof name, "n%u", i);
        put_key(out, "ssh-ed25519", name);
    }
    assert_int_equal(deliver(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    out = request(f, true);
    for (unsigned i = 0; i <= HOSTKEYS_MAX; i++) {
        snprintf(name, sizeof name, "n%u", i);
        put_key(out, "ssh-ed25519", name);
    }
    assert_int_equal(deliver(f), WORKER_E_END);
    fake_asked_nothing(f, &f->monitor);
}

static void a_malformed_list_ends_the_connection(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = request(f, true);
    put_key(out, "ssh-ed25519", "one");
    sp_put_u8(out, 0);
    assert_int_equal(deliver(f), WORKER_E_END);
    fake_asked_nothing(f, &f->monitor);
}

static void nothing_is_signed_for_who_wants_no_reply(void **state)
{
    struct fake *f = *state;
    put_key(request(f, false), "ssh-ed25519", "one");
    assert_int_equal(deliver(f), 0);
    fake_asked_nothing(f, &f->monitor);
    fake_expect_nothing(f);
}

static void one_question_at_a_time(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    fake_asked(f, &f->monitor, MSG_ask_proof);
    assert_int_equal(ask_two(f), 0);
    fake_asked_nothing(f, &f->monitor);
    assert_int_equal(answer(f, "s"), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    assert_int_equal(ask_two(f), 0); /* it was not counted */
    fake_asked(f, &f->monitor, MSG_ask_proof);
}

/* RFC 4254 section 4: replies are in the order of the requests. */
static void other_replies_wait_their_turn(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    assert_int_equal(keepalive(f), 0);
    assert_int_equal(unknown_request(f), 0);
    fake_expect_nothing(f);
    assert_int_equal(answer(f, "s"), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    assert_int_equal(keepalive(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    fake_expect_nothing(f);
}

static void replies_that_wait_are_bounded(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    for (unsigned i = 0; i < HOSTKEYS_DEFERRED_MAX; i++) {
        assert_false(hostkeys_is_behind(f->c));
        assert_int_equal(keepalive(f), 0);
    }
    assert_true(hostkeys_is_behind(f->c)); /* the loop handles nothing more */
    assert_int_equal(keepalive(f), WORKER_E_END);
    assert_int_equal(answer(f, "s"), 0);
    assert_false(hostkeys_is_behind(f->c));
}

static void an_answer_to_no_question_is_not_taken(void **state)
{
    struct fake *f = *state;
    assert_true(answer(f, "s") < 0);
    fake_expect_nothing(f);
}

#define BEFORE(name_) cmocka_unit_test_setup_teardown(name_, keys_offered, fake_teardown)
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, logged_in, fake_teardown)

/* ---- a monitor that goes ------------------------------------------------------------------------------------------- */

static void asks_another_monitor_for_the_same(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    struct sp_span first = fake_asked(f, &f->monitor, MSG_ask_proof)->ask_proof.keys;
    uint8_t keys[256];
    size_t size = first.size;
    memcpy(keys, first.data, size);
    assert_int_equal(hostkeys_resume(f->c), 0);
    assert_true(sp_span_equal(fake_asked(f, &f->monitor, MSG_ask_proof)->ask_proof.keys, sp_span_of(keys, size)));
    assert_int_equal(answer(f, "s"), 0);
    fake_expect(f, SSH_MSG_REQUEST_SUCCESS);
    assert_int_equal(hostkeys_resume(f->c), 0); /* what is answered is not asked for again */
    fake_asked_nothing(f, &f->monitor);
}

static void without_a_monitor_there_is_no_proof(void **state)
{
    struct fake *f = *state;
    assert_int_equal(ask_one(f), 0);
    link_close(&f->c->monitor);
    assert_int_equal(hostkeys_give_up(f->c), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    assert_int_equal(ask_two(f), 0);
    fake_expect(f, SSH_MSG_REQUEST_FAILURE);
    assert_int_equal(hostkeys_give_up(f->c), 0);
    fake_expect_nothing(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEFORE(tells_plain_keys_and_staged_ones_after_login),
        BEFORE(says_nothing_to_clients_that_choke_on_it),
        BEFORE(says_nothing_when_there_is_nothing),
        BEFORE(is_not_asked_before_login),
        TEST(asks_the_monitor_and_passes_signatures_on),
        TEST(no_proof_is_a_failure),
        TEST(an_unknown_key_is_a_failure),
        TEST(no_key_at_all_is_a_failure),
        TEST(a_second_proof_of_a_key_ends_the_connection),
        TEST(the_same_key_twice_in_a_list_ends_the_connection),
        TEST(a_list_that_is_too_long_ends_the_connection),
        TEST(a_malformed_list_ends_the_connection),
        TEST(nothing_is_signed_for_who_wants_no_reply),
        TEST(one_question_at_a_time),
        TEST(other_replies_wait_their_turn),
        TEST(replies_that_wait_are_bounded),
        TEST(an_answer_to_no_question_is_not_taken),
        TEST(asks_another_monitor_for_the_same),
        TEST(without_a_monitor_there_is_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
