/* Starting one program as the user: everything between "run this" and exec. */
#pragma once

#include <sallyport/types.h>
#include <sys/types.h>

#include "base/util.h"
#include "ipc/messages.h"

#include "session/environment.h"
#include "session/pty.h"

struct login;

enum {
    PROGRAM_E_REFUSED = 1, /* not to be run; plan->refusal says why, for the log */
};

/* What will be run: decided before anything is opened. */
struct program_plan {
    const char *command;  /* for the shell's -c; NULL: a login shell */
    const char *original; /* what the client asked for, where something else is forced; NULL otherwise */
    bool forced;
    bool subsystem;
    char *asked; /* owned: the client's command or the subsystem's */
    char refusal[128];
};

struct program_started {
    pid_t pid;
    int pidfd;
    int fds[3]; /* the worker's ends; a pty has none here */
};

/* Applies ForceCommand, the keys' command=, and the table of subsystems. 0, PROGRAM_E_REFUSED or -ENOMEM. */
int program_plan(const struct login *login, enum program_kind kind, struct sp_span command,
                 struct program_plan *plan) MUST_USE;
void program_plan_free(struct program_plan *plan);

/* Forks and executes. pty: NULL for pipes. 0 or -errno, and then nothing runs. */
int program_start(const struct login *login, const struct program_plan *plan,
                  const struct environment *environment, const struct pty *pty,
                  struct program_started *started) MUST_USE;
