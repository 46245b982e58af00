/*
 * Confinement, the same whether systemd has done part of it already or not. Each call either makes true what its name
 * says or fails; failing is fatal for the caller. The only exceptions are the parts of sandbox_isolate() that need
 * root, which are skipped, and reported, for a process that was started without it.
 */
#pragma once

#include <seccomp.h> /* SCMP_SYS() for the rows below; no other header of ours needs it */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"

/* Becomes that user for good: no supplementary groups but `groups`, real, effective and saved ids set and verified. */
int sandbox_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count) MUST_USE;

enum sandbox_isolation {
    SANDBOX_NETWORK = 1 << 0, /* an empty network namespace: not even loopback */
    SANDBOX_ROOT = 1 << 1,    /* an empty, read-only root directory */
    SANDBOX_IPC = 1 << 2,     /* System V IPC and POSIX queues of its own */
};
/* Call before sandbox_become(). *done: those that are in force afterwards (bits): none without CAP_SYS_ADMIN. Empties
 * the bounding set too, while there is the right to. 0 or -errno. */
int sandbox_isolate(unsigned wanted, unsigned *done) MUST_USE;

/* Nothing of any file system can be opened any more (Landlock), also for who may not make namespaces. *done: false where the
 * kernel has no such thing, or does not let us: then nothing has changed. Implies no-new-privs. 0 or -errno. */
int sandbox_close_files(bool *done) MUST_USE;

/* No capability in any set, and no way to gain one: bounding set emptied where allowed, securebits, no-new-privs. */
int sandbox_drop_capabilities(void) MUST_USE;
/* no-new-privs, not dumpable, parent's death unseen by debuggers: for every program but the session ones. */
int sandbox_harden_process(void) MUST_USE;

struct sandbox_limit {
    int resource; /* RLIMIT_* */
    uint64_t value;
};
int sandbox_limit(const struct sandbox_limit *limits, size_t count) MUST_USE;

/* One row per permitted call. `argument` >= 0: permitted only if (argument & mask) == value. Several rows for one call
 * permit each of their cases. */
struct sandbox_rule {
    int syscall; /* SCMP_SYS(...) */
    int argument;
    uint64_t mask;
    uint64_t value;
};
#define SANDBOX_ALLOW(name_) {.syscall = SCMP_SYS(name_), .argument = -1}
#define SANDBOX_ALLOW_IF(name_, argument_, value_)                                                           \
    {.syscall = SCMP_SYS(name_), .argument = (argument_), .mask = UINT32_MAX, .value = (value_)}
#define SANDBOX_ALLOW_MASKED(name_, argument_, mask_, value_)                                                \
    {.syscall = SCMP_SYS(name_), .argument = (argument_), .mask = (mask_), .value = (value_)}

/* A compiled allow-list: everything else kills the whole process. Built once, loaded in each child. */
/* Nothing that this process or its children do types into a terminal (TIOCSTI, TIOCLINUX: EPERM). Implies no-new-privs. 0 or
 * -errno. */
int sandbox_deny_typing(void) MUST_USE;

struct sandbox_filter;
int sandbox_filter_build(const struct sandbox_rule *rules, size_t count, struct sandbox_filter **filter) MUST_USE;
void sandbox_filter_free(struct sandbox_filter *filter);
/* Sets no-new-privs and loads it for good. */
int sandbox_filter_load(const struct sandbox_filter *filter) MUST_USE;

/* What a build with sanitizers needs besides; empty in every other build (chosen by meson, not by #ifdef).
 * sandbox_filter_build() adds it itself. */
extern const struct sandbox_rule sandbox_extra_rules[];
extern const size_t sandbox_extra_rule_count;
