/*
 * sallyport-launch --prepare: what root has to do for programs that a service manager starts as ordinary users. Input: the
 * configuration. Output: files in the runtime directory, and SIGHUP for a monitor that has to read them again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/*
 * A program that runs and was told something else goes on with that until it is started again: it is now. The service manager
 * does it, when it has time; what it says of a unit that does not run is nothing.
 */
static void programs_renew(const struct launch *l)
{
    static const char *const units[PROGRAMS] = {[PROGRAM_SIGNER] = "sallyport-signer.service",
                                                [PROGRAM_WORKER] = "sallyport-worker.service",
                                                [PROGRAM_SESSION] = "sallyport-session.service"};
    const char *argv[4 + PROGRAMS] = {"systemctl", "--no-block", "try-restart"};
    size_t n = 3;
    for (size_t i = 0; i < PROGRAMS; i++)
        if (units[i] && l->options_changed[i])
            argv[n++] = units[i];
    if (n == 3)
        return;
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execv("/usr/bin/systemctl", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        launch_say("PolicyTrust or LoadModule have changed: restart sallyport-signer.service and "
                   "sallyport-worker.service, which systemctl could not be asked to do");
}

/* Told in either case: the monitor writes the log, where a refusal belongs. */
static int reload(struct launch *l, pid_t monitor)
{
    uint64_t loads = 0;
    int asked = verdict_begin(l, &loads);
    int r = configuration_renew(l);
    if (kill(monitor, SIGHUP) < 0) {
        launch_say("the monitor, process %ld, cannot be told: %s", (long)monitor, strerror(errno));
        return -errno;
    }
    if (asked == 0)
        asked = verdict_await(l, loads);
    if (asked == VERDICT_E_REFUSED)
        launch_say("the configuration is refused; the one before stays in force, and the log says why");
    else if (asked)
        launch_say("what has become of the configuration is in the log; the monitor cannot be asked: %s",
                   strerror(-asked));
    return r == 0 && asked == VERDICT_E_REFUSED ? -EINVAL : r;
}

int prepare_main(struct launch *l, pid_t monitor)
{
    ids_find(l->ids);
    int r = users_check(l);
    if (r == 0)
        r = runtime_directory(l);
    if (r == 0)
        r = monitor != 0 ? reload(l, monitor) : configuration_prepare(l);
    if (r == 0)
        programs_renew(l);
    cleanup_close(&l->runtime_fd);
    return r == 0 ? 0 : 1;
}
