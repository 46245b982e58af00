/* The last steps of a login, after the credentials: account, expired password, credentials, session, success. */
#pragma once

#include "base/util.h"

struct login;
struct attempt;

enum admit_result {
    ADMIT_REFUSED = 0, /* the login is over, the worker has been told */
    ADMIT_DONE,        /* auth_success is sent */
    ADMIT_WAITS,       /* the client has its answer: the password has to be changed first */
    ADMIT_FAILED,      /* the change of the password failed: an ordinary failure */
    ADMIT_REPLACED,    /* the client has begun another request */
    ADMIT_ENDED,       /* attempt->ended says why */
};

/* All methods are passed. `passed`: their names with this one. */
enum admit_result admit(struct login *login, struct attempt *attempt, const char *passed) MUST_USE;

/* Ends the login: auth_over with this reason and text. Always LOGIN_E_OVER. */
int login_over(struct login *login, unsigned reason, const char *text);
/* Shows what PAM had to say, once. 0 or LOGIN_E_GONE. */
int texts_show(struct login *login) MUST_USE;
