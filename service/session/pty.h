/* Pseudo-terminals: opened as root, owned by the user. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"
#include "ipc/messages.h"

struct account;

struct pty {
    int master; /* -1: none. Kept until the channel is gone, for break */
    char name[64];
};

/* Opens one as channel_pty says. 0 or -errno; *pty is as it was on failure. */
int pty_open(const struct msg_channel_pty *request, const struct account *account, struct pty *pty) MUST_USE;
/* The terminal's other side, for a program. A descriptor or -errno. */
int pty_open_slave(const struct pty *pty) MUST_USE;
void pty_close(struct pty *pty);
