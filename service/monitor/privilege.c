/* Giving up privilege. Input: the command line's UID:GID. After this the process can be nobody else, and reach no
 * network but by the sockets that it holds. */
#include "monitor/privilege.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/sandbox.h"

/* Two links for each connection, one more descriptor until it logs in: the table is bounded by MaxConnections, not here. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int user_become(const char *user)
{
    unsigned uid, gid;
    char rest;
    if (!user)
        return 0;
    if (sscanf(user, "%u:%u%c", &uid, &gid, &rest) != 2 || uid == 0 || gid == 0)
        return -EINVAL;
    return sandbox_become((uid_t)uid, (gid_t)gid, NULL, 0);
}

/* A monitor that binds its own sockets needs the network that they are bound in. */
static unsigned isolation_wanted(const struct monitor *m)
{
    return m->listeners.handed_over ? SANDBOX_NETWORK | SANDBOX_IPC : SANDBOX_IPC;
}

int privilege_drop(struct monitor *m)
{
    unsigned done = 0;
    descriptors_raise();
    int r = sandbox_isolate(isolation_wanted(m), &done);
    if (r == 0)
        r = user_become(m->options->user);
    if (r == 0 && geteuid() == 0)
        r = -EPERM; /* the monitor has no business with root; see --user */
    if (r == 0)
        r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    if (r)
        monitor_say(m, NULL, LOG_LEVEL_ERROR, "confinement_failed", "Cannot give up privileges: %s%s",
                    strerror(-r),
                    geteuid() == 0 && !m->options->user ? " (started as root without --user)" : "");
    return r;
}
