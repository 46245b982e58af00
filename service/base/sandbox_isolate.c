/*
 * Namespaces: no network, no file system, no System V IPC. Needs CAP_SYS_ADMIN, so it comes before
 * sandbox_become(). Descriptors that are open already, and code that is mapped already, stay usable.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/sandbox_extra.h"

#define EMPTY_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* Any directory will do to hang the empty root on for a moment; the first that exists is taken. */
static int empty_mount(void)
{
    static const char *const places[] = {"/run", "/tmp", "/proc"};
    int r = -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(places) && r; i++) {
        r = mount("sallyport", places[i], "tmpfs", EMPTY_FLAGS, "size=4k,nr_inodes=2,mode=0555") < 0 ? -errno
                                                                                                     : 0;
        if (r == 0 && chdir(places[i]) < 0)
            return -errno;
    }
    return r;
}

static int root_isolate(void)
{
    if (unshare(CLONE_NEWNS) < 0)
        return -errno;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) /* nothing of this shows up outside */
        return -errno;
    int r = empty_mount();
    if (r)
        return r;
    /* The old root lands on top of the new one (pivot_root(2), "pivot_root(".", ".")"), from where it is
     * detached. */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | EMPTY_FLAGS, NULL) < 0)
        return -errno;
    return access("/proc", F_OK) < 0 && errno == ENOENT ? 0 : -EPERM;
}

static int network_isolate(void)
{
    return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

static int ipc_isolate(void)
{
    return unshare(CLONE_NEWIPC) < 0 ? -errno : 0;
}

/* The file system last: nothing after it could open what it needs. */
static const struct {
    unsigned bit;
    int (*isolate)(void);
} isolations[] = {
    {SANDBOX_NETWORK, network_isolate},
    {SANDBOX_IPC, ipc_isolate},
    {SANDBOX_ROOT, root_isolate},
};

int sandbox_isolate(unsigned wanted, unsigned *done)
{
    unsigned in_force = 0;
    if (!sandbox_has_capability(CAP_SYS_ADMIN)) {
        *done = 0;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(isolations); i++) {
        if (!(wanted & sandbox_extra_isolation & isolations[i].bit))
            continue;
        int r = isolations[i].isolate();
        if (r)
            return r;
        in_force |= isolations[i].bit;
    }
    /* Now, because sandbox_become() gives up the right to do it. */
    if (sandbox_has_capability(CAP_SETPCAP)) {
        int r = sandbox_empty_bounding_set();
        if (r)
            return r;
    }
    *done = in_force;
    return 0;
}
