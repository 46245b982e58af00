/* Keeping the programs running. Input: SIGCHLD. Output: new processes, at once after a long or orderly life, with
 * back-off after a short one; before the server is ready a death is the end of all. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "launch/launch.h"

#define SHORT_LIFE_MS 1000u
#define RETRY_FIRST_MS 50u
#define RETRY_MAX_MS 5000u

static int program_start(struct program *p);

static int on_retry(void *context)
{
    struct program *p = context;
    loop_remove(p->retry);
    p->retry = NULL;
    return p->launch->stopping ? 0 : program_start(p);
}

static int retry_later(struct program *p)
{
    unsigned shift = p->failures < 8 ? p->failures : 8;
    uint64_t delay_ms = p->failures <= 1 ? 0 : (uint64_t)RETRY_FIRST_MS << shift;
    if (delay_ms > RETRY_MAX_MS)
        delay_ms = RETRY_MAX_MS;
    return loop_add_timer(p->launch->loop, delay_ms, on_retry, p, &p->retry);
}

static int program_start(struct program *p)
{
    int r = program_execute(p);
    if (r == 0)
        return 0;
    launch_say("cannot start %s: %s", program_name(p->index), strerror(-r));
    p->failures++;
    return retry_later(p);
}

int programs_start(struct launch *l)
{
    for (unsigned i = 0; i < PROGRAMS; i++) {
        int r = program_start(&l->programs[i]);
        if (r)
            return r;
    }
    return 0;
}

static void death_say(const struct program *p, int status)
{
    const char *name = program_name(p->index);
    if (WIFSIGNALED(status))
        launch_say("%s died of signal %d (%s)", name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        launch_say("%s exited with status %d", name, WEXITSTATUS(status));
}

/* An exit with status 0 is orderly. Of short lives only the second in a row makes us wait: a zygote that retires because a
 * worker crashed is replaced at once. */
static int program_died(struct program *p, int status)
{
    struct launch *l = p->launch;
    if (p->index == PROGRAM_MONITOR)
        ready_drain(l); /* while it is known whose words these are */
    bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    p->pid = 0;
    if (l->stopping)
        return 0;
    death_say(p, status);
    if (!l->ready) {
        launch_say("not started: %s ended before the server was ready", program_name(p->index));
        loop_stop(l->loop, 1);
        return 0;
    }
    p->failures = orderly || clock_ms() - p->started_ms >= SHORT_LIFE_MS ? 0 : p->failures + 1;
    return retry_later(p);
}

/* Children of children that lost their parent arrive here too (PR_SET_CHILD_SUBREAPER), and are only collected. */
int programs_reap(struct launch *l)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (unsigned i = 0; i < PROGRAMS; i++) {
            int r = l->programs[i].pid == pid ? program_died(&l->programs[i], status) : 0;
            if (r)
                return r;
        }
    }
    return 0;
}
