/*
 * User authentication as this side decides it (RFC 4252, RFC 4256). One state machine: which request may come now,
 * what it needs to pass, what is answered and when. The worker asks; nothing it says but a credential counts.
 *
 * No answer before success depends on whether the user exists, may log in, or has a password: the same steps are gone
 * through, and failures are answered at fixed times after the request (the quantum of each method).
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#include "session/methods.h"

struct login;

enum auth_state {
    AUTH_IDLE = 0, /* the worker may ask */
    AUTH_DIALOGUE, /* auth_info_request is out: auth_answers or a new request */
    AUTH_DONE,     /* auth_success is sent: nothing of authentication any more */
};

#define AUTH_QUERIES_MAX 64u   /* publickey queries of one login */
#define AUTH_REQUESTS_MAX 256u /* requests of any kind, whatever became of them */

struct authentication {
    enum auth_state state;
    struct methods methods;
    bool unusable; /* AuthenticationMethods cannot be satisfied: nothing ever passes */
    bool banner_sent;
    bool change_due; /* a key was right but the password has expired: only a dialogue that changes it helps */
    unsigned failures; /* against MaxAuthTries */
    unsigned queries;
    unsigned requests;
    uint64_t asked_ms; /* when the request, or the last answer to a prompt, arrived */
    char passed[256];  /* methods so far: "publickey,password" */
    char texts[8192];  /* what PAM has to say to the user once he is known to be the user */
};

/* Evaluates AuthenticationMethods and the switches of the configuration by the login's rules, once. */
void authenticate_prepare(struct login *login);
/* Serves the worker until the login has succeeded (0) or is over (LOGIN_E_GONE, LOGIN_E_OVER, -errno). */
int authenticate_run(struct login *login) MUST_USE;
