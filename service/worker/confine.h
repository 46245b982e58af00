/* The confinement of the zygote, and the tighter one of each worker. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/sandbox.h"
#include "base/util.h"

/* Once, before the zygote's loop. `become`: ids to take on when started as root. *is_closed: the kernel lets nothing be opened any
 * more; where it cannot, the workers' allow-list still has no call that opens anything. 0 or -errno. */
int confine_zygote(bool become, uid_t uid, gid_t gid, bool *is_closed) MUST_USE;
/* The workers' allow-list, compiled ahead. */
int confine_filter(struct sandbox_filter **filter) MUST_USE;
/*
 * In a worker, before the first octet of its client is read: nothing open but the three standard descriptors and the
 * two given, limits, and the allow-list. 0 or -errno, which is fatal.
 */
int confine_worker(int client, int link, const struct sandbox_filter *filter) MUST_USE;

/* Whether a worker keeps the standard error it was born with: only a build with sanitizers does, for their reports.
 * Chosen by meson: stderr_none.c, stderr_sanitize.c. */
extern const bool confine_keeps_stderr;
