/* What programs.c (the lives of programs and of the session) and on_worker.c (the worker's messages) share. */
#pragma once

#include <sys/types.h>

#include "base/loop.h"

#include "session/login.h"
#include "session/program.h"
#include "session/slot.h"

struct programs;

/* A running program. It may outlive its channel, and its number; `serial` tells the worker which one it is. */
struct program {
    struct programs *of;
    struct program *next;
    uint64_t serial;
    uint32_t channel;
    pid_t pid; /* leads its process group; ours until it is waited for */
    int pidfd;
    bool may_signal; /* the client chose what runs */
    struct loop_source *source;
    struct slot *slot; /* NULL: the channel is gone */
};

struct programs {
    struct login *login;
    struct loop *loop;
    struct loop_source *worker_source, *monitor_source;
    struct slots slots;
    struct program *first;
    size_t count;
    uint64_t serials;
    bool ending;
};

/* After every turn: whatever was sent may have been queued. */
int links_arm(struct programs *p) MUST_USE;
/* Watches a program that was started for a slot. 0 or -errno, and then nothing has changed. */
int program_adopt(struct programs *p, struct slot *slot, const struct program_started *started,
                  bool forced) MUST_USE;
/* Signals a program's process group as the user would. */
void program_signal(const struct program *program, int number);
/* The worker is gone, or has to go: hangs up everything; the loop ends when the programs have, or after a while. */
int session_end(struct programs *p) MUST_USE;
