/*
 * Starting a program: what it inherits is what is written here. A fresh environment, its listening sockets from descriptor
 * 3 on as systemd hands them over (sd_listen_fds(3)), no other descriptor but standard error, no terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "launch/launch.h"

#define MONITOR_DESCRIPTORS 262144u
#define EXIT_NOT_STARTED 127
#define SOCKETS_MAX (LISTEN_SOCKETS_MAX + 1)

static const struct {
    const char *name;
    const char *build_dir; /* beside ours in the build tree */
    enum launch_user user;
} rows[PROGRAMS] = {
    [PROGRAM_SIGNER] = {"sallyport-signer", "signer", USER_SIGNER},
    [PROGRAM_WORKER] = {"sallyport-worker", "worker", USER_WORKER},
    [PROGRAM_SESSION] = {"sallyport-session", "session", USER_ROOT},
    [PROGRAM_MONITOR] = {"sallyportd", "monitor", USER_MONITOR},
};

const char *program_name(enum program_index index)
{
    return rows[index].name;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* In the build tree each program has a directory of its own; installed, the monitor lies beside us. */
static int program_path(const struct program *p, char path[PATH_MAX])
{
    const char *dir = p->launch->program_dir;
    int size;
    if (ends_with(dir, "/service/launch"))
        size = snprintf(path, PATH_MAX, "%s/../%s/%s", dir, rows[p->index].build_dir, rows[p->index].name);
    else if (p->index == PROGRAM_MONITOR)
        size = snprintf(path, PATH_MAX, "%s/%s", dir, rows[p->index].name);
    else
        size = snprintf(path, PATH_MAX, "%s/%s", SALLYPORT_LIBEXECDIR, rows[p->index].name);
    return size > 0 && size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

struct execution {
    char path[PATH_MAX];
    char user[32], monitor_uid[16];
    const char *argv[16 + 2 * CONFIG_MODULES_MAX];
    char pid[32], count[32];
    const char *envp[8];
};

static void arguments_set(const struct program *p, struct execution *e)
{
    const struct launch *l = p->launch;
    const struct launch_ids *ids = &l->ids[rows[p->index].user];
    size_t n = 0;
    snprintf(e->user, sizeof e->user, "%u:%u", ids->uid, ids->gid);
    snprintf(e->monitor_uid, sizeof e->monitor_uid, "%u", l->ids[USER_MONITOR].uid);
    e->argv[n++] = rows[p->index].name;
    if (rows[p->index].user != USER_ROOT) {
        e->argv[n++] = "--user";
        e->argv[n++] = e->user;
    }
    if (p->index == PROGRAM_MONITOR) { /* both in its working directory */
        e->argv[n++] = "--runtime-dir=.";
        e->argv[n++] = "--snapshot=" RUNTIME_SNAPSHOT;
    } else {
        e->argv[n++] = "--monitor-uid";
        e->argv[n++] = e->monitor_uid;
    }
    if (p->index == PROGRAM_SIGNER) {
        e->argv[n++] = "--state-dir";
        e->argv[n++] = l->options.state_dir;
        if (l->policy_trust[0]) {
            e->argv[n++] = "--policy-trust";
            e->argv[n++] = l->policy_trust;
            e->argv[n++] = "--policy";
            e->argv[n++] = l->policy;
        }
    }
    for (size_t i = 0; p->index == PROGRAM_WORKER && i < l->module_count; i++) {
        e->argv[n++] = "--load-module";
        e->argv[n++] = l->modules[i];
    }
    e->argv[n] = NULL;
}

/* In the child, which alone knows its process id. */
static void environment_set(const struct program *p, struct execution *e, size_t sockets)
{
    size_t n = 0;
    snprintf(e->pid, sizeof e->pid, "LISTEN_PID=%ld", (long)getpid());
    snprintf(e->count, sizeof e->count, "LISTEN_FDS=%zu", sockets);
    e->envp[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    e->envp[n++] = e->pid;
    e->envp[n++] = e->count;
    if (p->index == PROGRAM_MONITOR)
        e->envp[n++] = "NOTIFY_SOCKET=/proc/self/cwd/" RUNTIME_NOTIFY;
    e->envp[n] = NULL;
}

/* Moves the sockets to 3, 4, ... by way of numbers above all of them, so that none is overwritten before its turn. */
static int descriptors_set(const int *sockets, size_t count)
{
    int high[SOCKETS_MAX];
    int floor = 3 + (int)count;
    for (size_t i = 0; i < count; i++) {
        high[i] = fcntl(sockets[i], F_DUPFD_CLOEXEC, floor);
        if (high[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], 3 + (int)i) < 0)
            return -errno;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return -errno;
    return close_range((unsigned)floor, ~0u, 0) < 0 ? -errno : 0;
}

static void signals_reset(void)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

static void limits_raise(const struct program *p)
{
    const struct rlimit many = {MONITOR_DESCRIPTORS, MONITOR_DESCRIPTORS};
    struct rlimit have;
    if (p->index != PROGRAM_MONITOR || getrlimit(RLIMIT_NOFILE, &have) < 0)
        return;
    if (have.rlim_max < many.rlim_max)
        (void)setrlimit(RLIMIT_NOFILE, &many); /* where we may not: the monitor lives with what there is */
}

/* The monitor's are the network's, and its control socket, which it knows by its type. */
static size_t sockets_of(const struct program *p, int sockets[SOCKETS_MAX])
{
    const struct launch *l = p->launch;
    size_t count = 0;
    if (p->index != PROGRAM_MONITOR) {
        sockets[count++] = p->socket;
        return count;
    }
    while (count < l->network.count) {
        sockets[count] = l->network.fds[count];
        count++;
    }
    sockets[count++] = l->control_fd;
    return count;
}

static void child_run(const struct program *p, struct execution *e)
{
    const struct launch *l = p->launch;
    int sockets[SOCKETS_MAX];
    size_t count = sockets_of(p, sockets);
    const char *doing = "descriptors";
    signals_reset();
    limits_raise(p);
    setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (fchdir(l->runtime_fd) == 0 && descriptors_set(sockets, count) == 0) {
        environment_set(p, e, count);
        execve(e->path, (char *const *)(uintptr_t)e->argv, (char *const *)(uintptr_t)e->envp);
        doing = e->path;
    }
    launch_say("cannot start %s: %s: %s", rows[p->index].name, doing, strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

int program_execute(struct program *p)
{
    struct execution e;
    int r = program_path(p, e.path);
    if (r)
        return r;
    arguments_set(p, &e);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        child_run(p, &e);
    p->pid = pid;
    p->started_ms = clock_ms();
    return 0;
}
