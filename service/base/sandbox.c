/*
 * Who a process is and how much of it may be used: ids, capabilities, namespaces, limits. The allow-list of
 * system calls is in sandbox_filter.c. Input: the caller's constants. Everything is verified after it was
 * set, because a call that quietly did less than its name says is how confinement is lost.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/sandbox_extra.h"

/* ---- becoming a user
 * --------------------------------------------------------------------------------------- */

static int group_compare(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;
    return x < y ? -1 : x > y;
}

/* 0 if the supplementary groups are exactly these, in whatever order the kernel keeps them. */
static int groups_verify(const gid_t *groups, size_t count)
{
    int n = getgroups(0, NULL);
    if (n < 0)
        return -errno;
    if ((size_t)n != count)
        return -EPERM;
    if (count == 0)
        return 0;
    CLEANUP_FREE gid_t *have = calloc(count, sizeof *have);
    CLEANUP_FREE gid_t *want = calloc(count, sizeof *want);
    if (!have || !want)
        return -ENOMEM;
    if (getgroups((int)count, have) != (int)count)
        return -EPERM;
    memcpy(want, groups, count * sizeof *want);
    qsort(have, count, sizeof *have, group_compare);
    qsort(want, count, sizeof *want, group_compare);
    return memcmp(have, want, count * sizeof *want) == 0 ? 0 : -EPERM;
}

static int ids_verify(uid_t uid, gid_t gid)
{
    uid_t u[3];
    gid_t g[3];
    if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
        return -errno;
    for (int i = 0; i < 3; i++)
        if (u[i] != uid || g[i] != gid)
            return -EPERM;
    return 0;
}

/* Asks for root back. Who gets it has become nobody at all. */
static int root_is_lost(uid_t uid)
{
    if (uid == 0)
        return 0;
    if (setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0)
        return -EPERM;
    return 0;
}

/* The kernel forgets PR_SET_PDEATHSIG with the ids; who asked to end with its parent still does. */
static int ids_set(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
    int parent_death = 0;
    if (prctl(PR_GET_PDEATHSIG, &parent_death, 0, 0, 0) < 0)
        return -errno;
    if (setgroups(group_count, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return prctl(PR_SET_PDEATHSIG, parent_death, 0, 0, 0) < 0 ? -errno : 0;
}

int sandbox_become(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
    if (uid == (uid_t)-1 || gid == (gid_t)-1) /* setresuid() reads -1 as "leave as it is" */
        return -EINVAL;
    if (ids_verify(uid, gid) == 0 && groups_verify(groups, group_count) == 0)
        return root_is_lost(uid);
    int r = ids_set(uid, gid, groups, group_count);
    if (r == 0)
        r = ids_verify(uid, gid);
    if (r == 0)
        r = groups_verify(groups, group_count);
    if (r == 0)
        r = root_is_lost(uid);
    return r;
}

/* ---- capabilities
 * ------------------------------------------------------------------------------------------ */

/* The raw calls: two structs of 32 bits are all of it, and no program needs another library for them. */
static int capabilities_get(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static int capabilities_clear(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int capabilities_are_none(void)
{
    struct __user_cap_data_struct left[2] = {{0}};
    int r = capabilities_get(left);
    for (int i = 0; r == 0 && i < 2; i++)
        if (left[i].effective || left[i].permitted || left[i].inheritable)
            r = -EPERM;
    return r;
}

bool sandbox_has_capability(int capability)
{
    struct __user_cap_data_struct data[2] = {{0}};
    if (capabilities_get(data))
        return false;
    return (data[capability / 32].effective >> (capability % 32)) & 1;
}

int sandbox_empty_bounding_set(void)
{
    /* The kernel says which capabilities it knows: the first one that it does not is EINVAL. */
    for (int capability = 0; capability < 64; capability++) {
        int in_set = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (in_set < 0)
            break;
        if (in_set == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return -errno;
    }
    return 0;
}

#define SECURE_BITS                                                                                          \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |        \
     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

int sandbox_drop_capabilities(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* Both take CAP_SETPCAP, which who has become an ordinary user has lost with everything else. What they
     * would add, no-new-privs already gives: no execve() can raise anything. */
    if (sandbox_has_capability(CAP_SETPCAP)) {
        int r = sandbox_empty_bounding_set();
        if (r)
            return r;
        if (prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) < 0)
            return -errno;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    int r = capabilities_are_none();
    if (r == -EPERM) { /* who has none does not ask: a unit's filter may have taken the call away with them */
        r = capabilities_clear();
        if (r == 0)
            r = capabilities_are_none();
    }
    if (r)
        return r;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

/* ---- the process
 * ------------------------------------------------------------------------------------------- */

int sandbox_harden_process(void)
{
    static const struct rlimit no_core = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    if (setrlimit(RLIMIT_CORE, &no_core) < 0)
        return -errno;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

/* Lowers a limit for good. One that is already lower, by a unit's Limit*=, stays. */
static int limit_lower(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
        return -errno;
    if (limit.rlim_max < value)
        value = limit.rlim_max;
    limit = (struct rlimit){value, value};
    return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? -errno : 0;
}

int sandbox_limit(const struct sandbox_limit *limits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!sandbox_extra_limit_fits(limits[i].resource))
            continue;
        int r = limit_lower(limits[i].resource, (rlim_t)limits[i].value);
        if (r)
            return r;
    }
    return 0;
}
