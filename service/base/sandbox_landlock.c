/*
 * No file system for a process without privileges (Landlock): a domain that grants nothing of what this kernel can deny. What
 * is open stays usable; nothing can be opened, made, removed or executed any more, and no TCP port bound or connected to.
 *
 * Beside an empty root (sandbox_isolate.c) it is the second lock; for a process that a service manager started as an ordinary
 * user it is what takes away what the unit had to leave in sight: libraries, the configuration of libcrypto.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/sandbox.h"
#include "base/sandbox_extra.h"

/* As the kernel has them; our own, because the headers that we are compiled with may be older than the kernel we run on. */
struct rights {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
};

#define FS_RIGHTS(count_) ((UINT64_C(1) << (count_)) - 1)
#define NET_RIGHTS UINT64_C(3) /* bind and connect, TCP */

/* By version of the interface: how many rights there are, and how much of the struct it reads. A kernel that is newer than
 * the table does what the last row says. */
static const struct {
    unsigned fs_rights;
    uint64_t net_rights;
    size_t size;
} versions[] = {
    {13, 0, 8},           /* 1: Linux 5.13 */
    {14, 0, 8},           /* 2: moving files between directories */
    {15, 0, 8},           /* 3: truncating */
    {15, NET_RIGHTS, 16}, /* 4: TCP */
    {16, NET_RIGHTS, 16}, /* 5: ioctl on devices */
};

static int domain_enter(int ruleset)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return -errno;
    return 0;
}

/* Verified, as everything here is. "/" itself can be seen by everybody everywhere else. */
static int is_closed(void)
{
    CLEANUP_CLOSE int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return -EPERM;
    return errno == EACCES ? 0 : -errno;
}

int sandbox_close_files(bool *done)
{
    *done = false;
    if (!(sandbox_extra_isolation & SANDBOX_ROOT))
        return 0;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
    if (version == 0)
        return 0;
    size_t row = size_min((size_t)version, ARRAY_SIZE(versions)) - 1;
    const struct rights all = {.handled_access_fs = FS_RIGHTS(versions[row].fs_rights),
                               .handled_access_net = versions[row].net_rights};
    CLEANUP_CLOSE int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, versions[row].size, 0);
    if (ruleset < 0)
        return -errno;
    int r = domain_enter(ruleset);
    if (r == 0)
        r = is_closed();
    *done = r == 0;
    return r;
}
