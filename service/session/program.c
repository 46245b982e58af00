/*
 * Programs of the user. Input: what to run, environment, terminal. Output: a process, and the worker's ends of its
 * pipes. The child is root until sandbox_become(), and between fork and there it only moves descriptors.
 */
#include "session/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sandbox.h"

#include "session/login.h"

#define PIPE_OUTPUT (1024 * 1024) /* octets: fewer turns of the worker for the same data */
#define PIPE_OUTPUT_LESS (256 * 1024)
#define PIPE_INPUT (256 * 1024)
/* sftp-server reads 16 KiB for each request that it answers, whatever the request's size, and its queue costs time in the
 * square of its length: a client with small requests (psftp's are 4 KiB) must not fill it as fast as pipes go. */
#define PIPE_INPUT_SUBSYSTEM (16 * 1024)
#define READY_TIMEOUT_MS 1000

static int plan_refuse(struct program_plan *plan, const char *why)
{
    snprintf(plan->refusal, sizeof plan->refusal, "%s", why);
    return PROGRAM_E_REFUSED;
}

/* What the client wants, before anything is forced. */
static int plan_ask(const struct login *login, enum program_kind kind, struct sp_span command,
                    struct program_plan *plan)
{
    if (kind == PROGRAM_SHELL)
        return 0;
    if (kind == PROGRAM_EXEC) {
        plan->asked = strndup(command.data ? (const char *)command.data : "", command.size);
        return plan->asked ? 0 : -ENOMEM;
    }
    if (kind != PROGRAM_SUBSYSTEM)
        return plan_refuse(plan, "neither a shell nor a command nor a subsystem");
    const char *line = config_subsystem(login->config, command);
    if (!line || !line[0])
        return plan_refuse(plan, "no such subsystem");
    plan->asked = strdup(line);
    return plan->asked ? 0 : -ENOMEM;
}

/* ForceCommand is the administrator's and goes before the user's own command=. */
static const char *forced_command(const struct login *login)
{
    if (strcmp(login->config->force_command, "none") != 0)
        return login->config->force_command;
    return login->restrictions.command;
}

int program_plan(const struct login *login, enum program_kind kind, struct sp_span command,
                 struct program_plan *plan)
{
    struct program_plan made = {0};
    int r = plan_ask(login, kind, command, &made);
    const char *forced = forced_command(login);
    made.command = forced ? forced : made.asked;
    made.original = forced ? made.asked : NULL;
    made.forced = forced != NULL;
    made.subsystem = kind == PROGRAM_SUBSYSTEM;
    if (r == 0 && made.command && strncmp(made.command, "internal-sftp", 13) == 0)
        r = plan_refuse(&made, "internal-sftp is not in this server; name the sftp-server program");
    if (r)
        free(TAKE(made.asked));
    *plan = made;
    return r;
}

void program_plan_free(struct program_plan *plan)
{
    free(plan->asked);
    plan->asked = NULL;
}

/* ---- the child ---------------------------------------------------------------------------------------------- */

struct child_setup {
    const struct login *login;
    const struct program_plan *plan;
    const struct environment *environment;
    bool tty;
    int fds[3]; /* what becomes 0, 1, 2 */
    int ready;  /* closed when the child has become the user */
    const gid_t *groups;
    size_t group_count;
};

NORETURN static void child_fail(const char *what)
{
    dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(126);
}

static void signals_reset(void)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            (void)signal(number, SIG_DFL);
}

#define READY_FD 3

static void descriptors_place(const int fds[3], int ready)
{
    int high[4];
    for (int i = 0; i < 4; i++)
        if ((high[i] = fcntl(i == READY_FD ? ready : fds[i], F_DUPFD, 16)) < 0)
            _exit(126);
    for (int i = 0; i < 4; i++)
        if (dup2(high[i], i) < 0)
            _exit(126);
    if (close_range(READY_FD + 1, ~0U, 0) < 0)
        _exit(126);
}

/* What PAM's session stage had to say (message of the day, mail), on the terminal of a login shell. */
static void messages_show(const struct child_setup *setup)
{
    const char *texts = setup->login->pam.conversation.texts;
    if (!setup->tty || setup->plan->command || !texts[0] || access(".hushlogin", F_OK) == 0)
        return;
    (void)!fd_write_all(STDOUT_FILENO, sp_text(texts));
}

NORETURN static void shell_exec(const struct child_setup *setup)
{
    char *shell = setup->login->account.shell;
    const char *slash = strrchr(shell, '/');
    const char *base = slash ? slash + 1 : shell;
    char name[256];
    /* A login shell is told so by the '-' in front of its name. */
    snprintf(name, sizeof name, "%s%s", setup->plan->command ? "" : "-", base);
    char option[] = "-c";
    char *argv[] = {name, setup->plan->command ? option : NULL, (char *)(uintptr_t)setup->plan->command,
                    NULL};
    execve(shell, argv, (char *const *)(uintptr_t)setup->environment->items);
    child_fail(shell);
}

NORETURN static void child_run(const struct child_setup *setup)
{
    const struct account *account = &setup->login->account;
    signals_reset();
    if (setsid() < 0)
        _exit(126);
    descriptors_place(setup->fds, setup->ready);
    if (setup->tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        child_fail("controlling terminal");
    int r = sandbox_become(account->uid, account->gid, setup->groups, setup->group_count);
    if (r) {
        errno = -r;
        child_fail("the user's identity");
    }
    close(READY_FD);
    /* As the user: the home directory may be on a server that gives root nothing. */
    if (chdir(account->home) < 0) {
        dprintf(STDERR_FILENO, "Could not chdir to home directory %s: %s\n", account->home, strerror(errno));
        if (chdir("/") < 0)
            child_fail("/");
    }
    messages_show(setup);
    shell_exec(setup);
}

/* ---- the parent --------------------------------------------------------------------------------------------- */

/* The supplementary groups of this process: initgroups(3) and what pam_group has added. */
static int groups_read(gid_t **groups, size_t *count)
{
    int n = getgroups(0, NULL);
    gid_t *list = n < 0 ? NULL : calloc((size_t)n + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    int got = getgroups(n, list);
    if (got < 0) {
        free(list);
        return -errno;
    }
    *groups = list;
    *count = (size_t)got;
    return 0;
}

/* Until it leads a group of its own as the user, a signal sent as the user would miss it. It has nothing to wait for on its
 * way there; but its user may stop it at the end of it, so that we wait for a moment only. */
static void child_await(int ready)
{
    struct pollfd closed = {.fd = ready, .events = POLLIN};
    while (poll(&closed, 1, READY_TIMEOUT_MS) < 0 && errno == EINTR)
        ;
}

static int child_fork(struct child_setup *setup, struct program_started *started)
{
    CLEANUP_FREE gid_t *groups = NULL;
    int ready[2];
    int r = groups_read(&groups, &setup->group_count);
    if (r == 0 && pipe2(ready, O_CLOEXEC) < 0)
        r = -errno;
    if (r)
        return r;
    setup->groups = groups;
    setup->ready = ready[1];
    pid_t pid = fork();
    if (pid == 0)
        child_run(setup);
    r = pid < 0 ? -errno : 0;
    close(ready[1]);
    if (r == 0)
        child_await(ready[0]);
    close(ready[0]);
    if (r)
        return r;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) { /* one whose end we would not see must not run */
        r = -errno;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return r;
    }
    fd_set_cloexec(pidfd);
    started->pid = pid;
    started->pidfd = pidfd;
    return 0;
}

static void pipe_resize(int fd, int size, int less)
{
    if (fcntl(fd, F_SETPIPE_SZ, size) < 0)
        (void)fcntl(fd, F_SETPIPE_SZ, less);
}

/* ends[i][0] is the program's, ends[i][1] the worker's, which never blocks. */
static int pipes_open(int ends[3][2], int input_size)
{
    for (int i = 0; i < 3; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) < 0)
            return -errno;
        ends[i][0] = pair[i == 0 ? 0 : 1];
        ends[i][1] = pair[i == 0 ? 1 : 0];
        fd_set_nonblocking(ends[i][1]);
    }
    pipe_resize(ends[0][1], input_size, input_size);
    pipe_resize(ends[1][1], PIPE_OUTPUT, PIPE_OUTPUT_LESS);
    return 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int start_on_pipes(struct child_setup *setup, struct program_started *started)
{
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int r = pipes_open(ends, setup->plan->subsystem ? PIPE_INPUT_SUBSYSTEM : PIPE_INPUT);
    for (int i = 0; i < 3; i++)
        setup->fds[i] = ends[i][0];
    if (r == 0)
        r = child_fork(setup, started);
    for (int i = 0; i < 3; i++) {
        close_if_open(ends[i][0]);
        started->fds[i] = r ? -1 : ends[i][1];
        if (r)
            close_if_open(ends[i][1]);
    }
    return r;
}

static int start_on_tty(struct child_setup *setup, const struct pty *pty, struct program_started *started)
{
    CLEANUP_CLOSE int slave = pty_open_slave(pty);
    if (slave < 0)
        return slave;
    for (int i = 0; i < 3; i++)
        setup->fds[i] = slave;
    return child_fork(setup, started);
}

int program_start(const struct login *login, const struct program_plan *plan,
                  const struct environment *environment, const struct pty *pty,
                  struct program_started *started)
{
    struct child_setup setup = {.login = login, .plan = plan, .environment = environment, .tty = pty != NULL};
    *started = (struct program_started){.pidfd = -1, .fds = {-1, -1, -1}};
    return pty ? start_on_tty(&setup, pty, started) : start_on_pipes(&setup, started);
}
