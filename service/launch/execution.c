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

/* A descriptor and its name; NULL: the program is told no names (LISTEN_FDNAMES). */
struct handed {
    int fd;
    const char *name;
};

struct execution {
    char path[PATH_MAX];
    char user[32], monitor_uid[16];
    const char *argv[16 + 2 * CONFIG_MODULES_MAX];
    char pid[32], count[32], *names; /* names: owned */
    struct handed *handed;           /* what it inherits; owned */
    size_t handed_count;
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
        e->argv[n++] = "--keep-connections"; /* here: fdstore.c */
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
static void environment_set(const struct program *p, struct execution *e)
{
    size_t n = 0;
    snprintf(e->pid, sizeof e->pid, "LISTEN_PID=%ld", (long)getpid());
    snprintf(e->count, sizeof e->count, "LISTEN_FDS=%zu", e->handed_count);
    e->envp[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    e->envp[n++] = e->pid;
    e->envp[n++] = e->count;
    if (e->names)
        e->envp[n++] = e->names;
    if (p->index == PROGRAM_MONITOR)
        e->envp[n++] = "NOTIFY_SOCKET=/proc/self/cwd/" RUNTIME_NOTIFY;
    e->envp[n] = NULL;
}

/* Moves the sockets to 3, 4, ... by way of numbers above all of them, so that none is overwritten before its turn. */
static int descriptors_set(struct handed *handed, size_t count)
{
    int floor = 3 + (int)count;
    for (size_t i = 0; i < count; i++) {
        handed[i].fd = fcntl(handed[i].fd, F_DUPFD_CLOEXEC, floor);
        if (handed[i].fd < 0)
            return -errno;
    }
    for (size_t i = 0; i < count; i++)
        if (dup2(handed[i].fd, 3 + (int)i) < 0)
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

/* A soft limit that is low below a hard one that is high is what most are started with. Who may not raise the hard one lives with
 * it, and keeps less (fdstore.c). */
void limits_raise(struct launch *l)
{
    struct rlimit have;
    if (getrlimit(RLIMIT_NOFILE, &have) < 0)
        return;
    l->descriptors = have.rlim_cur;
    l->descriptors_max = have.rlim_max;
    if (have.rlim_cur >= MONITOR_DESCRIPTORS)
        return;
    const struct rlimit all = {have.rlim_max, have.rlim_max};
    const struct rlimit many = {MONITOR_DESCRIPTORS,
                                have.rlim_max > MONITOR_DESCRIPTORS ? have.rlim_max : MONITOR_DESCRIPTORS};
    if (setrlimit(RLIMIT_NOFILE, &many) < 0)
        (void)setrlimit(RLIMIT_NOFILE, &all);
}

/* What we needed for the monitor's sake is not for the others, and users' programs inherit from them. */
static void limits_restore(const struct program *p)
{
    const struct rlimit before = {p->launch->descriptors, p->launch->descriptors_max};
    if (p->index != PROGRAM_MONITOR && before.rlim_max != 0)
        (void)setrlimit(RLIMIT_NOFILE, &before);
}

static void hand(struct execution *e, int fd, const char *name)
{
    e->handed[e->handed_count++] = (struct handed){fd, name};
}

/* The monitor's are the network's, its control socket, and what the one before it has left. */
static int handed_make(const struct program *p, struct execution *e)
{
    const struct launch *l = p->launch;
    e->handed = calloc(l->network.count + 2 + l->store.count, sizeof *e->handed);
    if (!e->handed)
        return -ENOMEM;
    if (p->index != PROGRAM_MONITOR) {
        hand(e, p->socket, NULL);
        return 0;
    }
    for (size_t i = 0; i < l->network.count; i++)
        hand(e, l->network.fds[i], ""); /* a name would be its listener's, in the configuration */
    hand(e, l->control_fd, "control");
    for (size_t i = 0; i < l->store.count; i++)
        hand(e, l->store.items[i].fd, l->store.items[i].name);
    return 0;
}

static int names_make(struct execution *e)
{
    static const char key[] = "LISTEN_FDNAMES=";
    size_t size = sizeof key, used = sizeof key - 1;
    for (size_t i = 0; i < e->handed_count; i++)
        size += e->handed[i].name ? strlen(e->handed[i].name) + 1 : 0;
    if (size == sizeof key)
        return 0;
    e->names = malloc(size);
    if (!e->names)
        return -ENOMEM;
    memcpy(e->names, key, sizeof key);
    for (size_t i = 0; i < e->handed_count; i++)
        used += (size_t)snprintf(e->names + used, size - used, "%s%s", i ? ":" : "", e->handed[i].name);
    return 0;
}

static void execution_free(struct execution *e)
{
    free(e->handed);
    free(e->names);
}

static void child_run(const struct program *p, struct execution *e)
{
    const struct launch *l = p->launch;
    const char *doing = "descriptors";
    signals_reset();
    setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (fchdir(l->runtime_fd) == 0 && descriptors_set(e->handed, e->handed_count) == 0) {
        limits_restore(p);
        environment_set(p, e);
        execve(e->path, (char *const *)(uintptr_t)e->argv, (char *const *)(uintptr_t)e->envp);
        doing = e->path;
    }
    launch_say("cannot start %s: %s: %s", rows[p->index].name, doing, strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

int program_execute(struct program *p)
{
    CLEANUP(execution_free) struct execution e = {0};
    int r = program_path(p, e.path);
    if (r == 0)
        r = handed_make(p, &e);
    if (r == 0)
        r = names_make(&e);
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
