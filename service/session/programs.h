/*
 * After login: the worker's channels and the user's programs. Runs an event loop until the worker is gone and its
 * programs have had time to end. The monitor may go and come back meanwhile; the session does not end with it.
 */
#pragma once

#include "base/util.h"

struct login;

#define PROGRAMS_MAX 512u        /* of one login, ended channels' programs that still run included */
#define PROGRAMS_LINGER_MS 3000u /* for programs to end after the hangup, before the PAM session is closed */

/* 0 when the session is over; -errno. */
int programs_run(struct login *login) MUST_USE;
