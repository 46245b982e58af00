/* Audit records, with libaudit's functions played: which are written, with which words, and that none of them matters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <libaudit.h>

#include <sallyport/wire.h>

#include "session/audit.h"
#include "session/login.h"

/* What was written. */
static struct {
    int type, result, count;
    char text[2048], account[128], address[128], terminal[32];
    unsigned id;
} written;

static int open_error, write_error;

int audit_open(void)
{
    errno = open_error;
    return open_error ? -1 : memfd_create("audit", MFD_CLOEXEC);
}

static int answer(int type, const char *address, const char *terminal, int result)
{
    written.count++;
    written.type = type;
    written.result = result;
    snprintf(written.address, sizeof written.address, "%s", address);
    snprintf(written.terminal, sizeof written.terminal, "%s", terminal);
    return write_error ? -write_error : 7;
}

int audit_log_user_message(int fd, int type, const char *message, const char *hostname, const char *address,
                           const char *tty, int result)
{
    assert_true(fd >= 0);
    assert_null(hostname);
    snprintf(written.text, sizeof written.text, "%s", message);
    return answer(type, address, tty, result);
}

int audit_log_acct_message(int fd, int type, const char *program, const char *op, const char *name,
                           unsigned int id, const char *host, const char *address, const char *tty,
                           int result)
{
    assert_true(fd >= 0);
    assert_null(program);
    assert_null(host); /* libaudit would look it up */
    snprintf(written.text, sizeof written.text, "%s", op);
    snprintf(written.account, sizeof written.account, "%s", name ? name : "");
    written.id = id;
    return answer(type, address, tty, result);
}

static struct login *login_of(const char *user, bool exists)
{
    static struct login login;
    memset(&login, 0, sizeof login);
    memset(&written, 0, sizeof written);
    open_error = write_error = 0;
    snprintf(login.account.name, sizeof login.account.name, "%s", user);
    login.account.exists = exists;
    login.account.uid = 2001;
    snprintf(login.remote_address, sizeof login.remote_address, "192.0.2.7");
    snprintf(login.local_address, sizeof login.local_address, "2001:db8::1");
    login.remote_port = 50123;
    login.local_port = 22;
    return &login;
}

static void negotiate(struct login *login, const char *cipher, const char *mac)
{
    struct sp_out out = {.data = login->negotiated, .capacity = sizeof login->negotiated};
    const char *const items[] = {
        "SSH-2.0-x", "curve25519-sha256", "ssh-ed25519", cipher, cipher, mac, mac, "none", "none"};
    for (size_t i = 0; i < ARRAY_SIZE(items); i++)
        sp_put_text(&out, items[i]);
    login->negotiated_size = out.size;
}

static void a_login_is_written_by_its_uid(void **state)
{
    (void)state;
    audit_login(login_of("alice", true), true);
    assert_int_equal(written.type, AUDIT_USER_LOGIN);
    assert_string_equal(written.account, "");
    assert_int_equal(written.id, 2001);
    assert_int_equal(written.result, 1);
    assert_string_equal(written.address, "192.0.2.7");
    assert_string_equal(written.terminal, "ssh");
    audit_logout(login_of("alice", true));
    assert_int_equal(written.type, AUDIT_USER_LOGOUT);
}

static void a_failure_names_users_and_nobody_else(void **state)
{
    (void)state;
    audit_login(login_of("alice", true), false);
    assert_string_equal(written.account, "alice");
    assert_int_equal(written.result, 0);
    audit_login(login_of("correct horse", false), false);
    assert_string_equal(written.account, "(unknown)");
    audit_attempt(login_of("correct horse", false), METHOD_PUBLICKEY, false);
    assert_string_equal(written.account, "(unknown)");
}

static void methods_of_pam_are_pams_to_write(void **state)
{
    struct login *login = login_of("alice", true);
    (void)state;
    audit_attempt(login, METHOD_PASSWORD, true);
    audit_attempt(login, METHOD_KEYBOARD_INTERACTIVE, false);
    audit_attempt(login, METHOD_NONE, false);
    assert_int_equal(written.count, 0);
    audit_attempt(login, METHOD_PUBLICKEY, true);
    assert_int_equal(written.type, AUDIT_USER_AUTH);
    assert_string_equal(written.text, "pubkey_auth");
}

static void a_session_has_a_record_for_each_direction(void **state)
{
    struct login *login = login_of("alice", true);
    char expected[256];
    (void)state;
    negotiate(login, "aes256-gcm@openssh.com", "<implicit>");
    audit_session(login);
    assert_int_equal(written.count, 2);
    assert_int_equal(written.type, AUDIT_CRYPTO_SESSION);
    snprintf(expected, sizeof expected,
             "op=start direction=from-client cipher=aes256-gcm@openssh.com ksize=256 mac=<implicit> "
             "pfs=curve25519-sha256 "
             "spid=%ld suid=%u rport=50123 laddr=2001:db8::1 lport=22",
             (long)getpid(), (unsigned)getuid());
    assert_string_equal(written.text, expected);
}

static void key_sizes_are_the_ciphers(void **state)
{
    static const char *const rows[][2] = {{"aes128-ctr", "ksize=128 "},
                                          {"aes192-cbc", "ksize=192 "},
                                          {"chacha20-poly1305@openssh.com", "ksize=512 "},
                                          {"none", "ksize=0 "},
                                          {"x99999999999999999999999999", "ksize=9999 "}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct login *login = login_of("alice", true);
        negotiate(login, rows[i][0], "m");
        audit_session(login);
        assert_non_null(strstr(written.text, rows[i][1]));
    }
}

static void names_cannot_add_a_field_or_end_a_record(void **state)
{
    struct login *login = login_of("alice", true);
    (void)state;
    negotiate(login, "x' res=success acct=\"root\"\n", "m");
    audit_session(login);
    assert_non_null(strstr(written.text, "cipher=x__res=success_acct=_root__ "));
    audit_key(login, "SHA256:a b", sp_text("x\ny"));
    assert_string_equal(written.text, "op=negotiate kind=auth-key fp=SHA256:a_b algo=x_y rport=50123");
}

static void without_a_list_nothing_is_said_of_the_session(void **state)
{
    struct login *login = login_of("alice", true);
    (void)state;
    audit_session(login);
    negotiate(login, "c", "m");
    login->negotiated_size--;
    audit_session(login);
    assert_int_equal(written.count, 0);
    assert_false(login->unaudited);
}

static void a_kernel_without_audit_is_no_failure(void **state)
{
    static const int errors[] = {EINVAL, EPROTONOSUPPORT, EAFNOSUPPORT};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct login *login = login_of("alice", true);
        open_error = errors[i];
        audit_login(login, true);
        assert_false(login->unaudited);
    }
}

static void what_cannot_be_written_is_remembered(void **state)
{
    struct login *login = login_of("alice", true);
    (void)state;
    audit_login(login, true);
    assert_false(login->unaudited);
    write_error = EPERM;
    audit_login(login, true);
    assert_true(login->unaudited);
    login = login_of("alice", true);
    open_error = EMFILE;
    audit_key(login, "f", sp_text("a"));
    assert_true(login->unaudited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_written_by_its_uid),
        cmocka_unit_test(a_failure_names_users_and_nobody_else),
        cmocka_unit_test(methods_of_pam_are_pams_to_write),
        cmocka_unit_test(a_session_has_a_record_for_each_direction),
        cmocka_unit_test(key_sizes_are_the_ciphers),
        cmocka_unit_test(names_cannot_add_a_field_or_end_a_record),
        cmocka_unit_test(without_a_list_nothing_is_said_of_the_session),
        cmocka_unit_test(a_kernel_without_audit_is_no_failure),
        cmocka_unit_test(what_cannot_be_written_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
