/*
 * A build with sanitizers, for tests only: AddressSanitizer maps terabytes of shadow memory, reads /proc when
 * it reports, and asks the system more questions than the program. None of this is in a build that is
 * shipped.
 */
#include <sys/resource.h>

#include "base/sandbox_extra.h"

const struct sandbox_rule sandbox_extra_rules[] = {
    SANDBOX_ALLOW(mmap),          SANDBOX_ALLOW(munmap),         SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(mprotect),      SANDBOX_ALLOW(madvise),        SANDBOX_ALLOW(sigaltstack),
    SANDBOX_ALLOW(rt_sigaction),  SANDBOX_ALLOW(rt_sigprocmask), SANDBOX_ALLOW(rt_sigreturn),
    SANDBOX_ALLOW(getpid),        SANDBOX_ALLOW(gettid),         SANDBOX_ALLOW(tgkill),
    SANDBOX_ALLOW(getrlimit),     SANDBOX_ALLOW(prlimit64),      SANDBOX_ALLOW(getrusage),
    SANDBOX_ALLOW(readlink),      SANDBOX_ALLOW(openat),         SANDBOX_ALLOW(newfstatat),
    SANDBOX_ALLOW(fstat),         SANDBOX_ALLOW(lseek),          SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(write),         SANDBOX_ALLOW(close),          SANDBOX_ALLOW(dup),
    SANDBOX_ALLOW(sched_yield),   SANDBOX_ALLOW(futex),          SANDBOX_ALLOW(sched_getaffinity),
    SANDBOX_ALLOW(clock_gettime), SANDBOX_ALLOW(sysinfo),        SANDBOX_ALLOW(exit_group),
};
const size_t sandbox_extra_rule_count = ARRAY_SIZE(sandbox_extra_rules);

/* Without its /proc a report would say nothing. */
const unsigned sandbox_extra_isolation = SANDBOX_NETWORK | SANDBOX_IPC;

bool sandbox_extra_limit_fits(int resource)
{
    return resource != RLIMIT_AS && resource != RLIMIT_DATA && resource != RLIMIT_STACK;
}

/* Asked by the sanitizer's runtime at start. The search for leaks stops the process by ptrace(2), the
 * symbolizer is another program: a confined process can have neither. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:symbolize=0";
}
