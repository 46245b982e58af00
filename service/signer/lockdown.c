/*
 * The signer's allow-list. It holds the policy and reads what workers say, so it has no call that opens, connects, executes,
 * forks, signals or changes memory to code; messages come and go on descriptors that it has or is handed.
 */
#include "signer/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/sandbox.h"

static const struct sandbox_rule rules[] = {
    /* links */
    SANDBOX_ALLOW(recvmsg),
    SANDBOX_ALLOW(sendmsg),
    SANDBOX_ALLOW(accept4),
    SANDBOX_ALLOW_IF(getsockopt, 2, SO_PEERCRED),
    SANDBOX_ALLOW(close),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFL),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFL),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_DUPFD_CLOEXEC),
    /* the snapshot */
    SANDBOX_ALLOW_IF(fcntl, 1, F_GET_SEALS),
    SANDBOX_ALLOW(fstat),
    SANDBOX_ALLOW(newfstatat), /* fstat() of newer C libraries */
    /* the loop */
    SANDBOX_ALLOW(epoll_wait),
    SANDBOX_ALLOW(epoll_pwait),
    SANDBOX_ALLOW(epoll_ctl),
    SANDBOX_ALLOW(timerfd_settime),
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(write), /* standard error, while no monitor listens */
    SANDBOX_ALLOW(clock_gettime),
    SANDBOX_ALLOW(restart_syscall),
    SANDBOX_ALLOW(rt_sigreturn),
    /* memory, never executable */
    SANDBOX_ALLOW_MASKED(mmap, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW_MASKED(mprotect, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW(munmap),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(madvise),
    SANDBOX_ALLOW(brk),
    /* libcrypto and libc */
    SANDBOX_ALLOW(futex),
    SANDBOX_ALLOW(getrandom),
    SANDBOX_ALLOW(getpid),
    SANDBOX_ALLOW(gettid),
    SANDBOX_ALLOW(rt_sigprocmask),
    SANDBOX_ALLOW(exit_group),
};

static int filter_load(void)
{
    struct sandbox_filter *filter = NULL;
    int r = sandbox_filter_build(rules, ARRAY_SIZE(rules), &filter);
    if (r == 0)
        r = sandbox_filter_load(filter);
    sandbox_filter_free(filter);
    return r;
}

int signer_lock_down(void)
{
    static const struct sandbox_limit limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, 256},
        {RLIMIT_NPROC, 0},
    };
    int r = sandbox_limit(limits, ARRAY_SIZE(limits));
    return r ? r : filter_load();
}
