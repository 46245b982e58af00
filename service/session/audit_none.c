/* Without libaudit: nothing is written, as on a kernel without audit. */
#include "session/audit.h"

void audit_session(struct login *login)
{
    (void)login;
}

void audit_attempt(struct login *login, enum method method, bool passed)
{
    (void)login;
    (void)method;
    (void)passed;
}

void audit_key(struct login *login, const char *fingerprint, struct sp_span algorithm)
{
    (void)login;
    (void)fingerprint;
    (void)algorithm;
}

void audit_login(struct login *login, bool succeeded)
{
    (void)login;
    (void)succeeded;
}

void audit_logout(struct login *login)
{
    (void)login;
}
