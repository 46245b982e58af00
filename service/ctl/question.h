/* Asking the running server, on its control socket. */
#pragma once

#include "ctl/ctl.h"

#define QUESTION_SOCKET "/run/sallyport/control.sock"

enum {
    QUESTION_E_ABSENT = 1, /* there is no socket, or nobody listens on it: no server runs */
    QUESTION_E_SILENT,     /* somebody listens, and does not answer in time */
    QUESTION_E_DENIED,     /* the server, or the socket's mode, does not let us */
    QUESTION_E_REFUSED,    /* the server says that there is no answer: failure->text is why, in its words */
    QUESTION_E_BROKEN,     /* what came is no answer, or the tool could not go on */
};

struct question_failure {
    int kind;
    char text[1200]; /* for people; begins with the socket's path, but for QUESTION_E_REFUSED */
};

/* Takes a piece of an answer. 0: go on; 1: that is enough. */
typedef int (*question_take_fn)(void *context, struct sp_span part);

/* *answer: the caller's (json_decref). 0, or CTL_FAILED and said. */
int question_ask(const struct ctl_options *o, const char *question, const char *argument,
                 json_t **answer) MUST_USE;
/* The same, for who has more to say about it: 0, or QUESTION_E_* with *failure. */
int question_try(const struct ctl_options *o, const char *question, const char *argument, json_t **answer,
                 struct question_failure *failure) MUST_USE;
/* An answer that is no JSON object, piece by piece. endless: it has no end, and silence is no failure. 0, also when the taker
 * had enough; or CTL_FAILED and said. */
int question_stream(const struct ctl_options *o, const char *question, const char *argument, bool endless,
                    question_take_fn take, void *context) MUST_USE;
/* Says it, as question_ask() does; CTL_FAILED. */
int question_complain(const struct ctl_options *o, const struct question_failure *failure);
