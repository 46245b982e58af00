/*
 * What a zygote gives up before its first message and a worker before its first octet. The lists here are the whole
 * answer to what somebody who has taken over a worker can ask of the kernel.
 */
#include "worker/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* The same before login and after it. Descriptors arrive by recvmsg; none is ever made or named. */
static const struct sandbox_rule worker_rules[] = {
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(write),
    SANDBOX_ALLOW(readv),
    SANDBOX_ALLOW(writev),
    SANDBOX_ALLOW(recvmsg),
    SANDBOX_ALLOW(sendmsg),
    SANDBOX_ALLOW(close),
    SANDBOX_ALLOW(shutdown),
    SANDBOX_ALLOW(poll),
    SANDBOX_ALLOW(ppoll),
    SANDBOX_ALLOW(restart_syscall),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFL),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFL),
    SANDBOX_ALLOW_IF(ioctl, 1, TIOCSWINSZ),
    /* Memory, never executable. */
    SANDBOX_ALLOW_MASKED(mmap, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW_MASKED(mprotect, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW(munmap),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(madvise),
    SANDBOX_ALLOW(brk),
    /* libcrypto's random numbers ask who they are, to be others after a fork. */
    SANDBOX_ALLOW(getrandom),
    SANDBOX_ALLOW(getpid),
    SANDBOX_ALLOW(rt_sigprocmask), /* around getrandom in libc 2.41 */
    SANDBOX_ALLOW(clock_gettime),
    SANDBOX_ALLOW(futex),
    SANDBOX_ALLOW(rt_sigreturn),
    SANDBOX_ALLOW(exit_group),
};

/* 256 channels with three descriptors each, the socket, two links, what arrives with a message, and the standard ones. */
static const struct sandbox_limit worker_limits[] = {
    {RLIMIT_NOFILE, 256 * 3 + 32},
    {RLIMIT_AS, 192u << 20},
    {RLIMIT_FSIZE, 0},
    {RLIMIT_NPROC, 0},
    {RLIMIT_CORE, 0},
};

/* RLIMIT_FSIZE waits for the worker: a zygote's standard error may be a file. */
static const struct sandbox_limit zygote_limits[] = {
    {RLIMIT_CORE, 0},
};

int confine_zygote(bool become, uid_t uid, gid_t gid, bool *is_closed)
{
    unsigned done;
    int r = sandbox_isolate(SANDBOX_NETWORK | SANDBOX_ROOT | SANDBOX_IPC, &done);
    if (r == 0 && become)
        r = sandbox_become(uid, gid, NULL, 0);
    if (r == 0)
        r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    if (r == 0)
        r = sandbox_close_files(is_closed);
    return r ? r : sandbox_limit(zygote_limits, ARRAY_SIZE(zygote_limits));
}

int confine_filter(struct sandbox_filter **filter)
{
    return sandbox_filter_build(worker_rules, ARRAY_SIZE(worker_rules), filter);
}

static int close_from_to(unsigned first, unsigned last)
{
    if (first > last)
        return 0;
    return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/* Standard input and output of the zygote are /dev/null already. */
static int close_all_but(int a, int b)
{
    unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);
    if (!confine_keeps_stderr && dup2(STDIN_FILENO, STDERR_FILENO) < 0)
        return -errno;
    int r = close_from_to(STDERR_FILENO + 1, low - 1);
    if (r == 0)
        r = close_from_to(low + 1, high - 1);
    return r ? r : close_from_to(high + 1, UINT32_MAX);
}

int confine_worker(int client, int link, const struct sandbox_filter *filter)
{
    int r = close_all_but(client, link);
    if (r == 0)
        r = sandbox_limit(worker_limits, ARRAY_SIZE(worker_limits));
    return r ? r : sandbox_filter_load(filter);
}
