/*
 * The spawner: a child of the signer, forked before the signer locks itself down, that starts the token processes. So the
 * signer, which reads what workers send, can do without fork, exec and open; and the spawner, which can, reads nothing but
 * the signer's few messages.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/util.h"

struct spawner_setup {
    char token_program[PATH_MAX];
    char state_directory[PATH_MAX]; /* for the memory of refused PINs and of policies; "": none */
    uid_t uid;
    gid_t gid;
    bool become; /* change to uid:gid first */
};

/* Serves the signer at the other end of `link_fd` until it closes; its token processes end with it. An exit status. */
int spawner_run(const struct spawner_setup *setup, int link_fd) MUST_USE;
