/*
 * sallyport-launch --prepare: what root has to do for programs that a service manager starts as ordinary users. Input: the
 * configuration. Output: files in the runtime directory, and SIGHUP for a monitor that has to read them again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "launch/launch.h"

/* The numbers that stand in for users on machines without them are the launcher's own; a unit has names. */
static int users_check(const struct launch *l)
{
    if (l->ids[USER_MONITOR].named)
        return 0;
    launch_say(
        "there is no user sallyport (sysusers.d/sallyport.conf has the users; systemd-sysusers makes them)");
    return -ENOENT;
}

/* Told in either case: the monitor writes the log, where a refusal belongs. */
static int reload(struct launch *l, pid_t monitor)
{
    int r = configuration_renew(l);
    if (kill(monitor, SIGHUP) == 0)
        return r;
    launch_say("the monitor, process %ld, cannot be told: %s", (long)monitor, strerror(errno));
    return -errno;
}

int prepare_main(struct launch *l, pid_t monitor)
{
    ids_find(l->ids);
    int r = users_check(l);
    if (r == 0)
        r = runtime_directory(l);
    if (r == 0)
        r = monitor != 0 ? reload(l, monitor) : configuration_prepare(l);
    cleanup_close(&l->runtime_fd);
    return r == 0 ? 0 : 1;
}
