/* Trying one method: what a request of each kind has to show. How the outcome is answered is authenticate.c's. */
#pragma once

#include "base/util.h"

#include "session/methods.h"
#include "session/report.h"

struct login;

enum auth_outcome {
    OUTCOME_FAILED = 0,
    OUTCOME_PASSED,   /* the credential is right; whether that is enough is not yet said */
    OUTCOME_ANSWERED, /* the worker has its answer, and nothing was tried (a query) */
    OUTCOME_REPLACED, /* the client has begun another request, which is in the inbox; this one has no answer */
    OUTCOME_ENDED,    /* login->auth is over: `ended` says why */
};

struct attempt {
    enum method method;
    const char *name;     /* for the log */
    bool counted;         /* against MaxAuthTries if it fails */
    bool forced;          /* it forces a command: PermitRootLogin forced-commands-only */
    int ended;            /* LOGIN_E_* or -errno with OUTCOME_ENDED */
    char detail[1024];    /* for the log */
    struct report report; /* what the reported policy has against its credential */
};

typedef enum auth_outcome (*auth_method_fn)(struct login *login, struct attempt *attempt);

/* One row per request of the worker. quantum_ms: failures are answered at a multiple of it after the request. */
struct auth_method_row {
    unsigned number; /* MSG_auth_* */
    enum method method;
    unsigned quantum_ms;
    bool counted;
    auth_method_fn try;
};

/* NULL for a message that is no request. */
const struct auth_method_row *auth_method_find(unsigned number);
