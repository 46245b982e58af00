/*
 * Records for the kernel's audit trail, those that sshd writes: who showed which key, who came in and went, and what
 * protects the connection. What PAM writes by itself (USER_AUTH of its methods, USER_ACCT, CRED_*, USER_START, USER_END) is
 * not written again. audit.c with libaudit, audit_none.c without.
 *
 * A record that cannot be written keeps nobody out: login->unaudited says so, and the accept loop says it once.
 */
#pragma once

#include <sallyport/types.h>

#include "session/methods.h"

struct login;

/* CRYPTO_SESSION, once per direction: what the first exchange has agreed on. */
void audit_session(struct login *login);
/* USER_AUTH, for a method that PAM knows nothing of. */
void audit_attempt(struct login *login, enum method method, bool passed);
/* CRYPTO_KEY_USER: with this key, whose signature is verified. fingerprint: one of ours. */
void audit_key(struct login *login, const char *fingerprint, struct sp_span algorithm);
/* USER_LOGIN. */
void audit_login(struct login *login, bool succeeded);
/* USER_LOGOUT, of a login that succeeded. */
void audit_logout(struct login *login);
