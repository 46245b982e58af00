/*
 * What the keys of a login forbid or force on its programs. Append-only: every factor that was passed can add to them
 * and none can take away, so that a second factor never loses the restrictions of the first.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define RESTRICTIONS_ENVIRONMENT_MAX 32u

/* A bit set means: not allowed. A feature that comes to this server gets a bit here first. */
enum restriction {
    RESTRICT_PTY = 1 << 0,
    RESTRICT_PORT_FORWARDING = 1 << 1,
    RESTRICT_AGENT_FORWARDING = 1 << 2,
    RESTRICT_X11_FORWARDING = 1 << 3,
    RESTRICT_USER_RC = 1 << 4,
};

struct restrictions {
    unsigned denied;
    char *command;                                   /* owned; NULL: none forced */
    char *environment[RESTRICTIONS_ENVIRONMENT_MAX]; /* owned, "NAME=value" */
    size_t environment_count;
};

enum {
    RESTRICTIONS_E_REFUSED = 1, /* something in them is not understood, or contradicts an earlier factor */
};

/* `options` as in helper_verdict: list of (string name, string value). Nothing changes unless all can be applied. */
int restrictions_merge(struct restrictions *restrictions, struct sp_span options) MUST_USE;
/* Whether these options force a command, without applying them. */
bool restrictions_force_command(struct sp_span options);
void restrictions_free(struct restrictions *restrictions);
