/* Requests and answers of authentication: worker/auth.c, worker/auth_answer.c, modules/auth. */
#include "fake.h"

#include <stdlib.h>

#include "worker/ssh_numbers.h"

/* ---- building requests --------------------------------------------------------------------------------------------- */

static struct sp_out *request_begin(struct fake *f, const char *user, const char *service, const char *method)
{
    struct sp_out *out = fake_message(f);
    sp_put_text(out, user);
    sp_put_text(out, service);
    sp_put_text(out, method);
    return out;
}

static int request_none(struct fake *f, const char *user)
{
    request_begin(f, user, "ssh-connection", "none");
    return fake_deliver(f, SSH_MSG_USERAUTH_REQUEST);
}

/* Each method once, well formed. */
static void put_none(struct sp_out *out)
{
}
static void put_password(struct sp_out *out)
{
    sp_put_bool(out, false);
    sp_put_text(out, "secret");
}
static void put_password_change(struct sp_out *out)
{
    sp_put_bool(out, true);
    sp_put_text(out, "old");
    sp_put_text(out, "new");
}
static void put_keyboard_interactive(struct sp_out *out)
{
    sp_put_text(out, "en");
    sp_put_text(out, "pam,pam,pam");
}
static void put_publickey_query(struct sp_out *out)
{
    sp_put_bool(out, false);
    sp_put_text(out, "ssh-ed25519");
    sp_put_text(out, "blob");
}
static void put_publickey_signed(struct sp_out *out)
{
    sp_put_bool(out, true);
    sp_put_text(out, "ssh-ed25519");
    sp_put_text(out, "blob");
    sp_put_text(out, "signature");
}
static void put_hostbound(struct sp_out *out)
{
    sp_put_bool(out, true);
    sp_put_text(out, "ssh-ed25519");
    sp_put_text(out, "blob");
    sp_put_text(out, "host key");
    sp_put_text(out, "signature");
}

static const struct method_case {
    const char *method;
    void (*put)(struct sp_out *out);
    enum msg_number asks;
} cases[] = {
    {"none", put_none, MSG_auth_none},
    {"password", put_password, MSG_auth_password},
    {"password", put_password_change, MSG_auth_password},
    {"keyboard-interactive", put_keyboard_interactive, MSG_auth_keyboard_interactive},
    {"publickey", put_publickey_query, MSG_auth_publickey},
    {"publickey", put_publickey_signed, MSG_auth_publickey},
    {"publickey-hostbound-v00@openssh.com", put_hostbound, MSG_auth_publickey},
};

static int request_case(struct fake *f, const struct method_case *one)
{
    one->put(request_begin(f, "ann", "ssh-connection", one->method));
    return fake_deliver(f, SSH_MSG_USERAUTH_REQUEST);
}

/* To AUTH, idle, with user "ann": "none" was tried and refused. */
static void authenticate(struct fake *f)
{
    int fds[2];
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(link_pair(fds), 0);
    link_init(&f->session, fds[1], ROLE_SESSION, ROLE_WORKER);
    assert_int_equal(auth_link_arrived(f->c, fds[0]), 0);
    fake_asked(f, &f->monitor, MSG_ask_login);
    fake_asked(f, &f->session, MSG_auth_none);
    assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("password")), 0);
    fake_expect(f, 51);
}

static void assert_ended(struct fake *f, int r, uint32_t reason)
{
    assert_int_equal(r, WORKER_E_END);
    assert_int_equal(f->c->end_reason, reason);
}

/* ---- the first request ----------------------------------------------------------------------------------------------- */

static void first_request_waits_for_the_login_process(void **state)
{
    struct fake *f = *state;
    int fds[2];
    assert_int_equal(request_case(f, &cases[1]), 0);
    const union msg_body *body = fake_asked(f, &f->monitor, MSG_ask_login);
    assert_true(sp_span_is(body->ask_login.user, "ann"));
    assert_int_equal(f->c->phase, PHASE_AUTH);
    assert_true(session_is_behind(f->c));
    assert_true(f->c->transport.ext_info_seen);
    assert_int_equal(link_pair(fds), 0);
    link_init(&f->session, fds[1], ROLE_SESSION, ROLE_WORKER);
    assert_int_equal(auth_link_arrived(f->c, fds[0]), 0);
    body = fake_asked(f, &f->session, MSG_auth_password);
    assert_true(sp_span_is(body->auth_password.password, "secret"));
    assert_true(session_is_behind(f->c));
    assert_null(f->c->auth.first);
    fake_expect_nothing(f);
}

static void refuses_a_second_login_link(void **state)
{
    struct fake *f = *state;
    int fds[2];
    authenticate(f);
    assert_int_equal(link_pair(fds), 0);
    assert_ended(f, auth_link_arrived(f->c, fds[0]), SSH_DISCONNECT_BY_APPLICATION);
    close(fds[1]);
}

static void refuses_a_request_before_its_service(void **state)
{
    struct fake *f = *state;
    f->c->auth.offered = false;
    assert_ended(f, request_none(f, "ann"), SSH_DISCONNECT_PROTOCOL_ERROR);
    fake_asked_nothing(f, &f->monitor);
}

static void refuses_an_unknown_service(void **state)
{
    struct fake *f = *state;
    request_begin(f, "ann", "ssh-userauth", "none");
    assert_ended(f, fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), SSH_DISCONNECT_SERVICE_NOT_AVAILABLE);
    fake_asked_nothing(f, &f->monitor);
}

static void takes_a_user_name_of_255_octets(void **state)
{
    struct fake *f = *state;
    char user[256];
    memset(user, 'u', 255);
    user[255] = 0;
    assert_int_equal(request_none(f, user), 0);
    assert_int_equal(fake_asked(f, &f->monitor, MSG_ask_login)->ask_login.user.size, 255);
}

static void refuses_a_user_name_of_256_octets(void **state)
{
    struct fake *f = *state;
    char user[257];
    memset(user, 'u', 256);
    user[256] = 0;
    assert_ended(f, request_none(f, user), SSH_DISCONNECT_PROTOCOL_ERROR);
    fake_asked_nothing(f, &f->monitor);
}

static void refuses_a_nul_in_the_user_name(void **state)
{
    struct fake *f = *state;
    struct sp_out *out = fake_message(f);
    sp_put_string(out, sp_span_of("ann\0x", 5));
    sp_put_text(out, "ssh-connection");
    sp_put_text(out, "none");
    assert_ended(f, fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), SSH_DISCONNECT_PROTOCOL_ERROR);
}

/* ---- later requests --------------------------------------------------------------------------------------------------- */

static void forwards_every_method(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(request_case(f, &cases[i]), 0);
        assert_true(session_is_behind(f->c));
        fake_asked(f, &f->session, cases[i].asks);
        assert_int_equal(
            fake_answer(f, auth_failure, .methods = sp_text("password,publickey"), .partial = i & 1), 0);
        struct sp_in in = fake_expect(f, 51);
        assert_true(sp_span_is(sp_get_string(&in, 64), "password,publickey"));
        assert_int_equal(sp_get_u8(&in), i & 1);
        assert_int_equal(sp_get_end(&in), 0);
        assert_false(session_is_behind(f->c));
    }
}

static void carries_the_fields_of_a_hostbound_request(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_case(f, &cases[6]), 0);
    const struct msg_auth_publickey *ask = &fake_asked(f, &f->session, MSG_auth_publickey)->auth_publickey;
    assert_true(sp_span_is(ask->algorithm, "ssh-ed25519"));
    assert_true(sp_span_is(ask->blob, "blob"));
    assert_true(ask->hostbound && ask->signed_request);
    assert_true(sp_span_is(ask->host_key, "host key"));
    assert_true(sp_span_is(ask->signature, "signature"));
}

static void carries_both_passwords_of_a_change(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_case(f, &cases[2]), 0);
    const struct msg_auth_password *ask = &fake_asked(f, &f->session, MSG_auth_password)->auth_password;
    assert_true(ask->change);
    assert_true(sp_span_is(ask->password, "old"));
    assert_true(sp_span_is(ask->new_password, "new"));
}

static void rejects_every_truncation_and_a_trailing_byte(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake *f = fake_new();
        cases[i].put(request_begin(f, "ann", "ssh-connection", cases[i].method));
        size_t whole = f->in.size;
        sp_put_u8(&f->in, 0);
        for (size_t size = 0; size <= whole + 1; size++) {
            if (size == whole)
                continue;
            f->c->ending = false;
            f->c->auth.requests = 0;
            assert_ended(f, fake_deliver_span(f, 50, sp_span_of(f->message, size)),
                         SSH_DISCONNECT_PROTOCOL_ERROR);
            assert_false(f->c->auth.named);
        }
        fake_free(f);
    }
}

static void change_of_user_ends_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_ended(f, request_none(f, "bob"), SSH_DISCONNECT_PROTOCOL_ERROR);
    assert_string_equal(f->c->end_text, "Change of username or service not allowed");
    fake_asked_nothing(f, &f->session);
}

static void change_of_service_ends_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    request_begin(f, "ann", "ssh-other", "none");
    assert_ended(f, fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), SSH_DISCONNECT_PROTOCOL_ERROR);
}

static void unknown_method_is_refused_by_name_alone(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    struct sp_out *out = request_begin(f, "ann", "ssh-connection", "gssapi-with-mic");
    sp_put_u32(out, UINT32_MAX); /* a count of mechanisms that nobody reads */
    assert_int_equal(fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), 0);
    assert_true(
        sp_span_is(fake_asked(f, &f->session, MSG_auth_unknown)->auth_unknown.method, "gssapi-with-mic"));
}

static void long_or_odd_method_names_are_not_repeated(void **state)
{
    struct fake *f = *state;
    char name[66];
    memset(name, 'm', 65);
    name[65] = 0;
    authenticate(f);
    request_begin(f, "ann", "ssh-connection", name);
    assert_int_equal(fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), 0);
    assert_true(sp_span_is(fake_asked(f, &f->session, MSG_auth_unknown)->auth_unknown.method, "invalid"));
}

static void password_of_1024_octets_is_asked_about_and_1025_is_not(void **state)
{
    struct fake *f = *state;
    uint8_t password[1025];
    memset(password, 'p', sizeof password);
    authenticate(f);
    for (size_t size = 1024; size <= 1025; size++) {
        struct sp_out *out = request_begin(f, "ann", "ssh-connection", "password");
        sp_put_bool(out, false);
        sp_put_string(out, sp_span_of(password, size));
        assert_int_equal(fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), 0);
        fake_asked(f, &f->session, size == 1024 ? MSG_auth_password : MSG_auth_unknown);
        assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("")), 0);
    }
}

static void oversized_public_keys_count_as_failures(void **state)
{
    struct fake *f = *state;
    static uint8_t blob[8193];
    authenticate(f);
    struct sp_out *out = request_begin(f, "ann", "ssh-connection", "publickey");
    sp_put_bool(out, false);
    sp_put_text(out, "ssh-rsa");
    sp_put_string(out, sp_span_of(blob, sizeof blob));
    assert_int_equal(fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), 0);
    fake_asked(f, &f->session, MSG_auth_unknown);
}

static void requests_are_bounded(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    f->c->auth.requests = AUTH_REQUESTS_MAX;
    assert_ended(f, request_none(f, "ann"), SSH_DISCONNECT_NO_MORE_AUTH_METHODS);
}

static void a_request_while_one_is_under_way_never_passes(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_none(f, "ann"), 0);
    fake_asked(f, &f->session, MSG_auth_none);
    assert_int_equal(request_none(f, "ann"), WORKER_E_END);
    fake_asked_nothing(f, &f->session);
}

static void wipes_the_packet(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    put_password(request_begin(f, "ann", "ssh-connection", "password"));
    struct sp_in in = sp_in_of(sp_written(&f->in));
    assert_int_equal(on_ssh_userauth_request(f->c, &in), 0);
    assert_null(memmem(f->message, f->in.size, "secret", 6));
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static void success_moves_to_login_with_the_limits(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(fake_answer(f, auth_success, .max_channels = 3, .alive_interval_s = 5,
                                 .alive_count_max = 2, .rekey_octets = 1u << 20, .rekey_s = 60),
                     0);
    struct sp_in in = fake_expect(f, 52);
    assert_int_equal(sp_get_end(&in), 0);
    assert_int_equal(f->c->phase, PHASE_LOGIN);
    assert_int_equal(f->c->channels.most, 3);
    assert_int_equal(f->c->auth.limits.alive_interval_s, 5);
    assert_int_equal(f->c->auth.limits.rekey_octets, 1u << 20);
    assert_false(session_is_behind(f->c));
}

/* draft-miller-secsh-compression-delayed: SUCCESS itself goes out as everything before it. */
static void compression_begins_behind_success_and_no_sooner(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("password")), 0);
    fake_expect(f, 51);
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(f->compression_begun, 0);
    assert_int_equal(fake_answer(f, auth_success, .max_channels = 3), 0);
    fake_expect(f, 52);
    assert_int_equal(f->compression_begun, 1);
    assert_int_equal(f->compression_from, f->frame_next);
}

static void requests_after_success_are_ignored(void **state)
{
    struct fake *f = *state;
    fake_log_in(f, 1);
    assert_int_equal(request_none(f, "mallory"), 0);
    sp_put_u8(fake_message(f), 7);
    assert_int_equal(fake_deliver(f, SSH_MSG_USERAUTH_REQUEST), 0);
    fake_expect_nothing(f);
    fake_asked_nothing(f, &f->session);
}

static void success_without_a_request_ends_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(fake_answer(f, auth_success, .max_channels = 3), WORKER_E_END);
    assert_int_equal(f->c->phase, PHASE_AUTH);
    fake_expect_nothing(f);
}

static void second_answer_to_one_request_ends_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("none")), WORKER_E_END);
    fake_expect_nothing(f);
}

static void pk_ok_repeats_the_key(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_case(f, &cases[4]), 0);
    assert_int_equal(fake_answer(f, auth_pk_ok, .algorithm = sp_text("ssh-ed25519"), .blob = sp_text("blob")),
                     0);
    struct sp_in in = fake_expect(f, 60);
    assert_true(sp_span_is(sp_get_string(&in, 64), "ssh-ed25519"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "blob"));
    assert_int_equal(sp_get_end(&in), 0);
}

static void banner_goes_before_the_answer(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(fake_answer(f, auth_banner, .text = sp_text("hello\r\n")), 0);
    assert_true(session_is_behind(f->c));
    struct sp_in in = fake_expect(f, 53);
    assert_true(sp_span_is(sp_get_string(&in, 64), "hello\r\n"));
    assert_int_equal(sp_get_string(&in, 64).size, 0);
    assert_int_equal(sp_get_end(&in), 0);
}

static void passwd_changereq_asks_for_a_new_password(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_case(f, &cases[1]), 0);
    assert_int_equal(fake_answer(f, auth_passwd_changereq, .prompt = sp_text("expired")), 0);
    struct sp_in in = fake_expect(f, 60);
    assert_true(sp_span_is(sp_get_string(&in, 64), "expired"));
    assert_int_equal(sp_get_string(&in, 64).size, 0);
    assert_int_equal(sp_get_end(&in), 0);
}

static void over_disconnects_with_the_text(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(fake_answer(f, auth_over, .reason = 14, .text = sp_text("Too many failures")),
                     WORKER_E_END);
    assert_int_equal(f->c->end_reason, 14);
    assert_string_equal(f->c->end_text, "Too many failures");
}

static void last_words_are_heard_after_a_failed_send(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(link_send(&f->session, auth_over, .reason = 2, .text = sp_text("Bye")), 0);
    link_close(&f->session);
    assert_int_equal(request_none(f, "ann"), 0);
    assert_int_equal(on_session_message(f->c), WORKER_E_END);
    assert_string_equal(f->c->end_text, "Bye");
}

static void end_of_the_login_process_ends_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    link_close(&f->session);
    assert_ended(f, on_session_message(f->c), SSH_DISCONNECT_BY_APPLICATION);
}

/* ---- dialogues ------------------------------------------------------------------------------------------------------------ */

static void open_dialogue(struct fake *f, uint32_t count)
{
    uint8_t bytes[256];
    struct sp_out prompts = {.data = bytes, .capacity = sizeof bytes};
    for (uint32_t i = 0; i < count; i++) {
        sp_put_text(&prompts, "Password: ");
        sp_put_bool(&prompts, false);
    }
    assert_int_equal(request_case(f, &cases[3]), 0);
    fake_asked(f, &f->session, MSG_auth_keyboard_interactive);
    assert_int_equal(fake_answer(f, auth_info_request, .name = sp_text("n"), .instruction = sp_text("i"),
                                 .count = count, .prompts = sp_written(&prompts)),
                     0);
    struct sp_in in = fake_expect(f, 60);
    assert_true(sp_span_is(sp_get_string(&in, 64), "n"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "i"));
    assert_int_equal(sp_get_string(&in, 64).size, 0);
    assert_int_equal(sp_get_u32(&in), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(sp_span_is(sp_get_string(&in, 64), "Password: "));
        assert_false(sp_get_bool(&in));
    }
    assert_int_equal(sp_get_end(&in), 0);
    assert_false(session_is_behind(f->c));
}

static int respond(struct fake *f, uint32_t count)
{
    struct sp_out *out = fake_message(f);
    sp_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        sp_put_text(out, "answer");
    return fake_deliver(f, SSH_MSG_USERAUTH_INFO_RESPONSE);
}

static void answers_go_to_the_login_process(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    for (uint32_t count = 0; count < 3; count++) {
        open_dialogue(f, count);
        assert_int_equal(respond(f, count), 0);
        assert_int_equal(fake_asked(f, &f->session, MSG_auth_answers)->auth_answers.count, count);
        assert_int_equal(f->inbox->body.auth_answers.answers.size, count * 10);
        assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("x")), 0);
        fake_expect(f, 51);
    }
}

static void wrong_count_of_answers_is_a_failure(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    open_dialogue(f, 2);
    assert_int_equal(respond(f, 1), 0);
    fake_asked(f, &f->session, MSG_auth_unknown);
    assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("x")), 0);
    fake_expect(f, 51);
    assert_ended(f, respond(f, 2), SSH_DISCONNECT_PROTOCOL_ERROR);
}

static void count_beyond_the_message_is_malformed(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    open_dialogue(f, 1);
    sp_put_u32(fake_message(f), UINT32_MAX);
    assert_ended(f, fake_deliver(f, SSH_MSG_USERAUTH_INFO_RESPONSE), SSH_DISCONNECT_PROTOCOL_ERROR);
}

static void answers_without_a_dialogue_end_the_connection(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_ended(f, respond(f, 0), SSH_DISCONNECT_PROTOCOL_ERROR);
    fake_asked_nothing(f, &f->session);
}

static void new_request_abandons_a_dialogue(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    open_dialogue(f, 1);
    assert_int_equal(request_case(f, &cases[1]), 0);
    fake_asked(f, &f->session, MSG_auth_password);
    assert_int_equal(fake_answer(f, auth_failure, .methods = sp_text("x")), 0);
    fake_expect(f, 51);
    assert_ended(f, respond(f, 1), SSH_DISCONNECT_PROTOCOL_ERROR);
}

static void prompts_that_do_not_fit_their_count_are_not_sent(void **state)
{
    struct fake *f = *state;
    authenticate(f);
    assert_int_equal(request_case(f, &cases[3]), 0);
    assert_int_equal(fake_answer(f, auth_info_request, .count = 2, .prompts = sp_span_of("\0\0\0\0\0", 5)),
                     WORKER_E_END);
    fake_expect_nothing(f);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_request_waits_for_the_login_process),
        TEST(refuses_a_second_login_link),
        TEST(refuses_a_request_before_its_service),
        TEST(refuses_an_unknown_service),
        TEST(takes_a_user_name_of_255_octets),
        TEST(refuses_a_user_name_of_256_octets),
        TEST(refuses_a_nul_in_the_user_name),
        TEST(forwards_every_method),
        TEST(carries_the_fields_of_a_hostbound_request),
        TEST(carries_both_passwords_of_a_change),
        TEST(rejects_every_truncation_and_a_trailing_byte),
        TEST(change_of_user_ends_the_connection),
        TEST(change_of_service_ends_the_connection),
        TEST(unknown_method_is_refused_by_name_alone),
        TEST(long_or_odd_method_names_are_not_repeated),
        TEST(password_of_1024_octets_is_asked_about_and_1025_is_not),
        TEST(oversized_public_keys_count_as_failures),
        TEST(requests_are_bounded),
        TEST(a_request_while_one_is_under_way_never_passes),
        TEST(wipes_the_packet),
        TEST(success_moves_to_login_with_the_limits),
        TEST(compression_begins_behind_success_and_no_sooner),
        TEST(requests_after_success_are_ignored),
        TEST(success_without_a_request_ends_the_connection),
        TEST(second_answer_to_one_request_ends_the_connection),
        TEST(pk_ok_repeats_the_key),
        TEST(banner_goes_before_the_answer),
        TEST(passwd_changereq_asks_for_a_new_password),
        TEST(over_disconnects_with_the_text),
        TEST(last_words_are_heard_after_a_failed_send),
        TEST(end_of_the_login_process_ends_the_connection),
        TEST(answers_go_to_the_login_process),
        TEST(wrong_count_of_answers_is_a_failure),
        TEST(count_beyond_the_message_is_malformed),
        TEST(answers_without_a_dialogue_end_the_connection),
        TEST(new_request_abandons_a_dialogue),
        TEST(prompts_that_do_not_fit_their_count_are_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
