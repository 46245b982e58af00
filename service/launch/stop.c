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

struct process {
    pid_t parent;
    char name[32]; /* the kernel keeps 15 characters of it */
};

static bool process_read(pid_t pid, struct process *p)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *name = strchr(line, '('), *end = strrchr(line, ')'); /* a name may hold anything */
    long parent;
    if (!name || !end || sscanf(end + 1, " %*c %ld", &parent) != 1)
        return false;
    p->parent = (pid_t)parent;
    snprintf(p->name, sizeof p->name, "%.*s", (int)(end - name - 1), name + 1);
    return true;
}

/* Sends every child a signal (0: none), by id: a child of this process cannot be anybody else's. True if one of them is
 * a program of ours, and so has something to finish. */
static bool children_signal(int number)
{
    DIR *proc = opendir("/proc");
    bool ours = false;
    if (!proc)
        return true;
    for (const struct dirent *entry; (entry = readdir(proc));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        struct process process;
        if (pid <= 1 || !process_read(pid, &process) || process.parent != getpid())
            continue;
        ours = ours || strncmp(process.name, "sallyport", 9) == 0;
        if (number != 0)
            (void)kill(pid, number);
    }
    closedir(proc);
    return ours;
}

/* True when no child is left. */
static bool children_collect(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid < 0 && errno == ECHILD;
}

/* Waits for all of them; not for what users left running, which has no reason to end. */
static bool children_wait(uint64_t patience_ms)
{
    uint64_t until = clock_ms() + patience_ms;
    for (;;) {
        if (children_collect())
            return true;
        if (clock_ms() >= until || !children_signal(0))
            return false;
        (void)poll(NULL, 0, 20);
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

/* Not SIGTERM, by which it leaves its connections to another: the first signal tells it to take no more of them, the second to
 * end those that are open, the third to go without them. */
static void monitor_stop(struct program *monitor)
{
    static const unsigned patience_ms[] = {100, 3000, 500};
    if (monitor->pid == 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(patience_ms); i++) {
        (void)kill(monitor->pid, SIGINT);
        if (program_wait(monitor, patience_ms[i]))
            break;
        if (i + 1 == ARRAY_SIZE(patience_ms))
            (void)kill(monitor->pid, SIGKILL);
    }
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
        (void)children_signal(SIGKILL);
        (void)poll(NULL, 0, 10);
        if (children_collect())
            return;
    }
    launch_say("some processes could not be ended");
}
