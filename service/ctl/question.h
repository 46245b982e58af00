/* Asking the running server, on its control socket. */
#pragma once

#include "ctl/ctl.h"

#define QUESTION_SOCKET "/run/sallyport/control.sock"

/* *answer: the caller's (json_decref). 0, or CTL_FAILED and said. */
int question_ask(const struct ctl_options *o, const char *question, const char *argument,
                 json_t **answer) MUST_USE;
