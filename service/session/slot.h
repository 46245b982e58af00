/* What is prepared for a channel before its program runs: environment and terminal. One slot per channel of the
 * worker's; the table has as many as MaxSessions allows. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#include "session/environment.h"
#include "session/pty.h"

#define SLOT_VARIABLES_MAX 64u
#define SLOT_ENVIRONMENT_MAX 32768u /* octets of a channel's variables together */
#define SLOTS_MAX 256u

struct program;

struct slot {
    bool used;
    uint32_t channel;
    struct environment environment; /* what the client sent and AcceptEnv let in */
    size_t environment_octets;
    struct pty pty;
    char term[257];
    bool ran;                /* RFC 4254 section 6.5: one program per channel */
    struct program *program; /* running; NULL: not yet or not any more */
};

struct slots {
    struct slot *table; /* owned */
    size_t count;
};

int slots_new(struct slots *slots, size_t count) MUST_USE;
void slots_free(struct slots *slots);
/* The channel's slot; `make`: a free one if it has none. NULL: none, or the table is full. */
struct slot *slot_find(struct slots *slots, uint32_t channel, bool make);
void slot_release(struct slot *slot);
/* 0; -EPERM: AcceptEnv does not let it in; -E2BIG: enough; -ENOMEM. */
struct config;
int slot_add_variable(struct slot *slot, const struct config *config, struct sp_span name,
                      struct sp_span value) MUST_USE;
