/*
 * The accept loop. Input: the monitor's messages. Output: login processes, exec'ed afresh from this program's own file.
 *
 * Runs as root, so it does next to nothing: it parses two message types of one peer, which it knows by SO_PEERCRED to
 * be the monitor, and passes three descriptors on without reading from them.
 */
#include "session/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/manager.h"
#include "ipc/link.h"
#include "ipc/log.h"

#include "session/login.h"

struct acceptor;

struct child {
    struct acceptor *acceptor;
    struct child *next;
    uint64_t connection;
    pid_t pid;
    int pidfd;
    struct loop_source *source;
};

struct acceptor {
    struct loop *loop;
    struct log log;
    struct link monitor;
    struct loop_source *monitor_source;
    struct link_inbox *inbox;
    struct child *children;
    size_t count;
    int listen_fd;
    uid_t monitor_uid;
    struct manager manager;
    struct loop_source *watchdog;
    bool unaudited_told;
    struct rlimit descriptors; /* as we were started: what a login process gets back */
};

static void monitor_drop(struct acceptor *a)
{
    loop_remove(a->monitor_source);
    a->monitor_source = NULL;
    link_close(&a->monitor);
}

static int monitor_arm(struct acceptor *a)
{
    if (!a->monitor_source)
        return 0;
    return loop_modify(a->monitor_source, EPOLLIN | (link_wants_write(&a->monitor) ? EPOLLOUT : 0));
}

/* A monitor that does not listen is replaced by the next that connects. */
static void exit_tell(struct acceptor *a, uint64_t connection, int status)
{
    if (link_is_open(&a->monitor) &&
        link_send(&a->monitor, login_exited, .connection = connection, .status = (uint32_t)status))
        monitor_drop(a);
}

static void child_forget(struct child *child)
{
    struct child **at = &child->acceptor->children;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    child->acceptor->count--;
    loop_remove(child->source);
    close(child->pidfd);
    free(child);
}

/* Each login process would say it again; once is enough for something that stays so until the next start. */
static void unaudited_tell(struct acceptor *a)
{
    if (!a->unaudited_told)
        log_say(&a->log, LOG_LEVEL_WARNING, "audit_failed",
                "logins cannot be written to the kernel's audit trail; they go on");
    a->unaudited_told = true;
}

static int on_child_exit(void *context, uint32_t events)
{
    struct child *child = context;
    struct acceptor *a = child->acceptor;
    int status = 0;
    (void)events;
    pid_t pid = waitpid(child->pid, &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == LOGIN_STATUS_UNAUDITED) {
        unaudited_tell(a);
        status = 0;
    }
    exit_tell(a, child->connection, status);
    child_forget(child);
    return monitor_arm(a);
}

/* In the child: descriptors 3, 4, 5 and nothing else; no environment of ours; signals as exec expects them. */
NORETURN static void login_exec(const struct acceptor *a, const int fds[3])
{
    static const char *const argv[] = {"sallyport-session", "--login", NULL};
    static const char *const envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       NULL};
    int high[3];
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    for (int i = 0; i < 3; i++) /* out of the way of their targets first */
        if ((high[i] = fcntl(fds[i], F_DUPFD, 16)) < 0)
            _exit(126);
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], LOGIN_FD_MONITOR + i) < 0)
            _exit(126);
    if (close_range(LOGIN_FD_SNAPSHOT + 1, ~0U, 0) < 0)
        _exit(126);
    (void)setrlimit(RLIMIT_NOFILE, &a->descriptors);
    execve("/proc/self/exe", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
    _exit(127);
}

static int child_watch(struct acceptor *a, struct child *child)
{
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pidfd < 0)
        return -errno;
    return loop_add(a->loop, child->pidfd, EPOLLIN, on_child_exit, child, &child->source);
}

static int child_start(struct acceptor *a, uint64_t connection, const int fds[3])
{
    if (a->count == ACCEPTOR_LOGINS_MAX)
        return -EAGAIN;
    CLEANUP_FREE struct child *child = calloc(1, sizeof *child);
    if (!child)
        return -ENOMEM;
    *child = (struct child){.acceptor = a, .connection = connection, .pidfd = -1};
    child->pid = fork();
    if (child->pid == 0)
        login_exec(a, fds);
    if (child->pid < 0)
        return -errno;
    int r = child_watch(a, child);
    if (r) { /* a process that could not be stopped must not run */
        (void)kill(child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
        if (child->pidfd >= 0)
            close(child->pidfd);
        return r;
    }
    child->next = a->children;
    a->children = TAKE(child);
    a->count++;
    return 0;
}

static void on_start_login(struct acceptor *a)
{
    uint64_t connection = a->inbox->body.start_login.connection;
    int r = child_start(a, connection, a->inbox->fds);
    if (r == 0)
        return;
    char number[17];
    snprintf(number, sizeof number, "%016llx", (unsigned long long)connection);
    const struct log_field fields[] = {{"connection", sp_text(number)}};
    log_event(&a->log, LOG_LEVEL_ERROR, "login_failed", fields, ARRAY_SIZE(fields),
              "no login process for connection %s: %s", number, strerror(-r));
    exit_tell(a, connection, 1 << 8);
}

static void on_stop_login(struct acceptor *a)
{
    for (struct child *child = a->children; child; child = child->next)
        if (child->connection == a->inbox->body.stop_login.connection)
            (void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
}

static void on_message(struct acceptor *a)
{
    if (a->inbox->row->number == MSG_start_login)
        on_start_login(a);
    else if (a->inbox->row->number == MSG_stop_login)
        on_stop_login(a);
}

static int on_monitor(void *context, uint32_t events)
{
    struct acceptor *a = context;
    if ((events & EPOLLOUT) && link_flush(&a->monitor)) {
        monitor_drop(a);
        return 0;
    }
    for (int turn = 0; turn < 64 && link_is_open(&a->monitor); turn++) {
        int r = link_receive(&a->monitor, PHASE_ANY, a->inbox);
        if (r == LINK_E_AGAIN)
            break;
        if (r == 0) {
            on_message(a);
            continue;
        }
        if (r == LINK_E_ILLEGAL)
            log_say(&a->log, LOG_LEVEL_ERROR, "monitor_illegal", "%s", link_complaint(&a->monitor));
        monitor_drop(a);
    }
    link_inbox_wipe(
        a->inbox); /* our copies of a login's descriptors: it notices when its peers close theirs */
    return monitor_arm(a);
}

static bool peer_is_monitor(const struct acceptor *a, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == a->monitor_uid);
}

/* A monitor that connects is the new one: the old has crashed or is being replaced. */
static int on_connect(void *context, uint32_t events)
{
    struct acceptor *a = context;
    (void)events;
    int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 0;
    if (!peer_is_monitor(a, fd)) {
        close(fd);
        log_say(&a->log, LOG_LEVEL_ERROR, "peer_refused", "somebody else than the monitor has connected");
        return 0;
    }
    monitor_drop(a);
    link_init(&a->monitor, fd, ROLE_ACCEPTOR, ROLE_MONITOR);
    return loop_add(a->loop, fd, EPOLLIN, on_monitor, a, &a->monitor_source);
}

/* One for each login process, and for a fork's moment the monitor's three. Without them a monitor's message would arrive
 * without its descriptors, and the link would be given up. */
static int descriptors_raise(struct acceptor *a)
{
    const rlim_t wanted = ACCEPTOR_LOGINS_MAX + 64;
    if (getrlimit(RLIMIT_NOFILE, &a->descriptors) < 0)
        return -errno;
    struct rlimit raised = a->descriptors;
    if (raised.rlim_cur >= wanted)
        return 0;
    raised.rlim_cur = raised.rlim_max < wanted ? raised.rlim_max : wanted;
    return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? -errno : 0;
}

/* While the loop turns, and so starts logins. */
static int on_watchdog(void *context)
{
    struct acceptor *a = context;
    manager_say(&a->manager, "WATCHDOG=1");
    return loop_timer_set(a->watchdog, a->manager.watchdog_ms);
}

static int manager_tell(struct acceptor *a)
{
    manager_say(&a->manager, "READY=1");
    return a->manager.watchdog_ms == 0
               ? 0
               : loop_add_timer(a->loop, a->manager.watchdog_ms, on_watchdog, a, &a->watchdog);
}

static int acceptor_run(struct acceptor *a)
{
    a->inbox = calloc(1, sizeof *a->inbox);
    if (!a->inbox)
        return -ENOMEM;
    fd_set_nonblocking(a->listen_fd);
    int r = manager_open(&a->manager);
    if (r == 0)
        r = descriptors_raise(a);
    if (r == 0)
        r = loop_new(&a->loop);
    if (r == 0)
        r = loop_add(a->loop, a->listen_fd, EPOLLIN, on_connect, a, NULL);
    if (r == 0)
        r = manager_tell(a);
    return r ? r : loop_run(a->loop);
}

int acceptor_main(int listen_fd, uid_t monitor_uid)
{
    struct acceptor a = {.listen_fd = listen_fd, .monitor_uid = monitor_uid, .monitor = {.fd = -1}};
    a.log = (struct log){.program = "sallyport-session", .level = LOG_LEVEL_INFO, .link = &a.monitor};
    int r = acceptor_run(&a);
    fprintf(stderr, "sallyport-session: %s\n", strerror(r < 0 ? -r : 0));
    return 1;
}
