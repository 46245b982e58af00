/*
 * The end of everything. The monitor first: when it has gone, workers and login processes see their links closed and end
 * in order, PAM sessions included. Then the services. What is still there after a while is killed; as the subreaper of all
 * of them we see every process that ever came from us.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "launch/launch.h"

#define PATIENCE_MS 5000u
#define KILL_ROUNDS 200

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    long parent;
    const char *after_name = strrchr(line, ')'); /* the name in front may hold anything */
    return after_name && sscanf(after_name + 1, " %*c %ld", &parent) == 1 ? (pid_t)parent : -1;
}

/* By id, and only ours: a child of this process cannot be anybody else's. */
static void children_signal(int number)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    for (const struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 1 && parent_of(pid) == getpid())
            (void)kill(pid, number);
    }
    closedir(proc);
}

/* True when no child is left. */
static bool children_collect(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid < 0 && errno == ECHILD;
}

static bool children_wait(uint64_t patience_ms)
{
    uint64_t until = clock_ms() + patience_ms;
    for (;;) {
        if (children_collect())
            return true;
        if (clock_ms() >= until)
            return false;
        (void)poll(NULL, 0, 10);
    }
}

static bool program_wait(const struct program *p, uint64_t patience_ms)
{
    uint64_t until = clock_ms() + patience_ms;
    while (clock_ms() < until) {
        pid_t pid = waitpid(p->pid, NULL, WNOHANG);
        if (pid == p->pid || (pid < 0 && errno == ECHILD))
            return true;
        (void)poll(NULL, 0, 5);
    }
    return false;
}

/* The second signal tells it not to stay for open connections. */
static void monitor_stop(struct program *monitor)
{
    if (monitor->pid == 0)
        return;
    (void)kill(monitor->pid, SIGTERM);
    if (!program_wait(monitor, 200))
        (void)kill(monitor->pid, SIGTERM);
    if (!program_wait(monitor, 1000))
        (void)kill(monitor->pid, SIGKILL);
    monitor->pid = 0;
}

void everything_stop(struct launch *l)
{
    l->stopping = true;
    monitor_stop(&l->programs[PROGRAM_MONITOR]);
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (l->programs[i].pid != 0)
            (void)kill(l->programs[i].pid, SIGTERM);
    if (children_wait(PATIENCE_MS))
        return;
    for (int i = 0; i < KILL_ROUNDS; i++) { /* killing a parent brings its children here */
        children_signal(SIGKILL);
        if (children_wait(20))
            return;
    }
    launch_say("some processes could not be ended");
}
