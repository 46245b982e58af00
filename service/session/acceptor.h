/* The root accept loop: starts login processes for the monitor, reaps them, kills them when it says so. */
#pragma once

#include <sys/types.h>

#include "base/util.h"

#define ACCEPTOR_LOGINS_MAX 8192u /* login processes at the same time */

/* Serves the listening socket `listen_fd`, for ever; peers must have this uid or be root. Exit status. */
int acceptor_main(int listen_fd, uid_t monitor_uid);
