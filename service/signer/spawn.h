/* One token process: its arguments, environment and descriptors. */
#pragma once

#include <sallyport/types.h>
#include <sys/types.h>

#include "base/util.h"

#define SPAWNER_SLOTS 64u
#define SPAWN_STATUS_NOT_EXECUTED 126 /* exit status of a child that could not become the program */

struct spawn_order {
    const char *program;
    bool provider;              /* what kind of module it is */
    const char *module;         /* checked */
    struct sp_span uris;        /* list of text */
    struct sp_span environment; /* list of text */
    struct sp_span pin;         /* empty: none */
};

/* Starts it. *link_fd: the signer's end of its link, the caller's to close. 0 or -errno. */
int spawn_token(const struct spawn_order *order, pid_t *pid, int *link_fd) MUST_USE;
