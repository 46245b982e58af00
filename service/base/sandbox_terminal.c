/*
 * No typing into a terminal. A process that has given up root still has root's terminal, and a character that it puts into that
 * (TIOCSTI), or a selection that it pastes there (TIOCLINUX), is read by root's shell when it is gone.
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#include "base/sandbox.h"

static void context_release(scmp_filter_ctx *context)
{
    if (*context)
        seccomp_release(*context);
}

/* The kernel looks at 32 bits of a request, so the others must not hide it from the filter. */
static int deny_request(scmp_filter_ctx context, uint32_t request)
{
    return seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, request));
}

int sandbox_deny_typing(void)
{
    __attribute__((cleanup(context_release))) scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    if (!context)
        return -ENOMEM;
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = deny_request(context, TIOCSTI);
    if (r == 0)
        r = deny_request(context, TIOCLINUX);
    return r == 0 ? seccomp_load(context) : r;
}
