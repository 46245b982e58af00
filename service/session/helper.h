/* Starting the as-user helper, which is a program of its own, exec'ed fresh so that it shares no memory with root. */
#pragma once

#include <sys/types.h>

#include "base/util.h"

struct account;

/* The helper for an account, or for nobody if the account is not valid. Its link's descriptor or -errno. */
int helper_start(const struct account *account, pid_t *pid) MUST_USE;
/* Kills and reaps it; *pid becomes 0. */
void helper_stop(pid_t *pid);
