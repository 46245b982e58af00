/* Words for kinds of keys: those that sshd's log has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/key_kind.h"

static void kinds_are_called_as_sshd_calls_them(void **state)
{
    static const char *const rows[][2] = {
        {"ssh-ed25519", "ED25519"},
        {"ssh-ed25519-cert-v01@openssh.com", "ED25519-CERT"},
        {"sk-ssh-ed25519@openssh.com", "ED25519-SK"},
        {"sk-ssh-ed25519-cert-v01@openssh.com", "ED25519-SK-CERT"},
        {"ecdsa-sha2-nistp521", "ECDSA"},
        {"sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK"},
        {"rsa-sha2-512", "RSA"},
        {"rsa-sha2-256-cert-v01@openssh.com", "RSA-CERT"},
        {"ssh-dss", "UNKNOWN"},
        {"", "UNKNOWN"},
        {"-cert-v01@openssh.com", "UNKNOWN"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(key_kind(sp_text(rows[i][0])), rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_called_as_sshd_calls_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
