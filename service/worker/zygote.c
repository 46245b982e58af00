/*
 * The zygote. Input: prepare and serve from the monitor. Output: a forked worker for each connection, whose socket it
 * never reads, and worker_exited. It owns no secret: a worker inherits nothing but names, code and empty pages.
 *
 * A worker that dies of a signal may have been attacked, and every sibling has its address layout: the zygote reports
 * the death and exits, so that a fresh one with another layout is started. Its other workers go on; the monitor sees
 * them end by their links.
 */
#include "worker/zygote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/manager.h"
#include "config/config.h"
#include "ipc/link.h"
#include "ipc/log.h"
#include "worker/children.h"
#include "worker/setup.h"
#include "worker/worker.h"

enum {
    EXIT_STOPPED = 0,
    EXIT_RETIRED = 1, /* a worker died of a signal */
    EXIT_BROKEN = 71,
};

struct zygote {
    const struct zygote_options *options;
    struct loop *loop;
    struct loop_source *monitor_source;
    struct loop_source *watchdog;
    struct link monitor;
    struct log log;
    struct worker_setup *setup; /* of the latest generation; NULL before the first */
    struct children children;
    struct link_inbox inbox;
};

/* ---- the monitor's link ----------------------------------------------------------------------------------- */

static void monitor_drop(struct zygote *z, const char *why)
{
    loop_remove(z->monitor_source);
    z->monitor_source = NULL;
    link_close(&z->monitor);
    log_say(&z->log, LOG_LEVEL_NOTICE, "monitor_lost", "the monitor's link is closed: %s", why);
}

/* A failed answer is a lost monitor: it connects again and says what it needs. */
static int monitor_told(struct zygote *z, int r)
{
    if (r)
        monitor_drop(z, r > 0 ? "it does not read" : strerror(-r));
    else if (link_wants_write(&z->monitor))
        return loop_modify(z->monitor_source, EPOLLIN | EPOLLOUT);
    return 0;
}

static int prepare(struct zygote *z, const struct msg_prepare *message, int snapshot_fd,
                   struct config_error *error)
{
    struct worker_setup *setup = NULL;
    struct sp_span snapshot;
    int r = fd_sealed_map(snapshot_fd, CONFIG_SNAPSHOT_MAX, &snapshot);
    if (r)
        return r;
    r = worker_setup_new(message->generation, snapshot, message->offer, &setup, error);
    fd_sealed_unmap(snapshot);
    if (r)
        return r;
    /* Workers of the old generation have their own copy of it. */
    worker_setup_free(z->setup);
    z->setup = setup;
    z->log.level = setup->log_level;
    return 0;
}

static int on_prepare(struct zygote *z)
{
    struct msg_prepare message = z->inbox.body.prepare;
    CLEANUP_CLOSE int snapshot_fd = link_take_fd(&z->inbox, 0);
    struct config_error error = {{0}};
    int r = prepare(z, &message, snapshot_fd, &error);
    if (r == 0)
        return monitor_told(z, link_send(&z->monitor, prepared, .generation = message.generation));
    const char *why = r > 0 ? error.text : strerror(-r);
    return monitor_told(
        z, link_send(&z->monitor, unprepared, .generation = message.generation, .why = sp_text(why)));
}

/* Hands the monitor what it needs to have the worker stopped when this zygote is gone. */
static int worker_announce(struct zygote *z, pid_t pid, uint64_t connection)
{
    CLEANUP_CLOSE int process = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
    if (process < 0)
        return -errno;
    return monitor_told(z,
                        link_send_with(&z->monitor, &process, 1, worker_started, .connection = connection));
}

static int on_serve(struct zygote *z)
{
    CLEANUP_CLOSE int client = link_take_fd(&z->inbox, 0);
    CLEANUP_CLOSE int link = link_take_fd(&z->inbox, 1);
    struct worker_birth birth = {
        .setup = z->setup,
        .variant = z->setup ? worker_setup_variant(z->setup, z->inbox.body.serve.policy) : NULL,
        .filter = z->options->filter,
        .serve = z->inbox.body.serve,
        .client = client,
        .link = link,
    };
    /* The monitor sees the link of a connection that is not served close. */
    if (!birth.variant || children_reserve(&z->children)) {
        log_say(&z->log, LOG_LEVEL_ERROR, "not_served",
                "no worker: nothing is prepared for that policy, or out of memory");
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0)
        worker_run(&birth);
    if (pid < 0) {
        log_say(&z->log, LOG_LEVEL_ERROR, "not_served", "no worker: fork: %s", strerror(errno));
        return 0;
    }
    children_add(&z->children, pid, birth.serve.connection);
    return worker_announce(z, pid, birth.serve.connection);
}

/* The monitor may end any connection of its own; the pid is a child's that was not reaped yet, so it is still that one. */
static int stop_child(struct zygote *z, uint64_t connection)
{
    struct child *child = children_find(&z->children, connection);
    if (!child)
        return 0;
    child->stopped = true;
    return kill(child->pid, SIGKILL) < 0 ? -errno : 0;
}

/* Another zygote's worker. The kernel lets this process signal none but those of its own user, which workers alone are. */
static int on_stop_process(struct zygote *z)
{
    CLEANUP_CLOSE int process = link_take_fd(&z->inbox, 0);
    if (children_find(&z->children, z->inbox.body.stop_process.connection))
        return stop_child(z, z->inbox.body.stop_process.connection);
    if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
        log_say(&z->log, LOG_LEVEL_ERROR, "not_stopped", "a worker cannot be stopped: %s", strerror(errno));
    return 0;
}

static int on_message(struct zygote *z)
{
    if (z->inbox.row->number == MSG_prepare)
        return on_prepare(z);
    if (z->inbox.row->number == MSG_serve)
        return on_serve(z);
    if (z->inbox.row->number == MSG_stop_worker)
        return stop_child(z, z->inbox.body.stop_worker.connection);
    if (z->inbox.row->number == MSG_stop_process)
        return on_stop_process(z);
    monitor_drop(z, "it sent what a zygote does not take");
    return 0;
}

static int on_monitor_io(void *context, uint32_t events)
{
    struct zygote *z = context;
    if (events & EPOLLOUT) {
        if (link_flush(&z->monitor)) {
            monitor_drop(z, "sending failed");
            return 0;
        }
        if (!link_wants_write(&z->monitor) && loop_modify(z->monitor_source, EPOLLIN))
            return -EIO;
    }
    while (link_is_open(&z->monitor)) {
        int r = link_receive(&z->monitor, PHASE_ANY, &z->inbox);
        if (r == LINK_E_AGAIN)
            break;
        if (r == 0)
            r = on_message(z);
        else
            monitor_drop(z, r == LINK_E_ILLEGAL ? link_complaint(&z->monitor) : "it closed it");
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- a new monitor ---------------------------------------------------------------------------------------- */

/* The socket's mode lets nobody else connect; the kernel's word on who did is the second lock. */
static bool is_monitor(const struct zygote *z, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == z->options->monitor_uid);
}

static int on_connect(void *context, uint32_t events)
{
    struct zygote *z = context;
    int fd = accept4(z->options->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 0;
    if (!is_monitor(z, fd)) {
        close(fd);
        log_say(&z->log, LOG_LEVEL_WARNING, "stranger", "somebody who is not the monitor tried to connect");
        return 0;
    }
    if (link_is_open(&z->monitor))
        monitor_drop(z, "a new monitor has come");
    link_init(&z->monitor, fd, ROLE_ZYGOTE, ROLE_MONITOR);
    return loop_add(z->loop, fd, EPOLLIN, on_monitor_io, z, &z->monitor_source);
}

/* ---- deaths ----------------------------------------------------------------------------------------------- */

static void worker_report(struct zygote *z, uint64_t connection, int status)
{
    if (!link_is_open(&z->monitor))
        return;
    int r = link_send(&z->monitor, worker_exited, .connection = connection, .status = (uint32_t)status);
    if (monitor_told(z, r))
        loop_stop(z->loop, EXIT_BROKEN);
}

static void worker_died(struct zygote *z, const struct child *child, int status)
{
    worker_report(z, child->connection, status);
    if (!WIFSIGNALED(status) || child->stopped)
        return;
    log_say(&z->log, LOG_LEVEL_ERROR, "zygote_retires", "a worker died of signal %d; a fresh zygote is due",
            WTERMSIG(status));
    /* Connections that the monitor handed over before it could know are served still: closing the link over unread
     * messages would lose them, and the report above with them. */
    if (link_is_open(&z->monitor) && on_monitor_io(z, EPOLLIN) < 0)
        loop_stop(z->loop, EXIT_BROKEN);
    else
        loop_stop(z->loop, EXIT_RETIRED);
}

static int on_child(void *context, int signal_number)
{
    struct zygote *z = context;
    struct child child;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (children_take(&z->children, pid, &child))
            worker_died(z, &child, status);
    return 0;
}

static int on_stop(void *context, int signal_number)
{
    struct zygote *z = context;
    loop_stop(z->loop, EXIT_STOPPED);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static int sources_add(struct zygote *z)
{
    static const int child[] = {SIGCHLD, 0}, stop[] = {SIGTERM, SIGINT, 0};
    struct loop_source *listener;
    int r = loop_add_signals(z->loop, child, on_child, z);
    if (r == 0)
        r = loop_add_signals(z->loop, stop, on_stop, z);
    return r ? r : loop_add(z->loop, z->options->listener, EPOLLIN, on_connect, z, &listener);
}

static void zygote_free(struct zygote *z)
{
    if (!z)
        return;
    if (link_is_open(&z->monitor) && link_flush(&z->monitor))
        link_close(&z->monitor);
    link_close(&z->monitor);
    loop_free(z->loop);
    children_free(&z->children);
    worker_setup_free(z->setup);
    free(z);
}

/* While the loop turns, and so forks. */
static int on_watchdog(void *context)
{
    struct zygote *z = context;
    manager_say(z->options->manager, "WATCHDOG=1");
    return loop_timer_set(z->watchdog, z->options->manager->watchdog_ms);
}

static int manager_tell(struct zygote *z)
{
    uint64_t interval_ms = z->options->manager->watchdog_ms;
    manager_say(z->options->manager,
                z->options->is_closed
                    ? "READY=1"
                    : "READY=1\nSTATUS=No Landlock in this kernel: the zygote, but no worker, "
                      "could read what its unit leaves in sight");
    return interval_ms == 0 ? 0 : loop_add_timer(z->loop, interval_ms, on_watchdog, z, &z->watchdog);
}

int zygote_run(const struct zygote_options *options)
{
    struct zygote *z = calloc(1, sizeof *z);
    if (!z)
        return EXIT_BROKEN;
    z->options = options;
    z->monitor.fd = -1;
    z->log = (struct log){.program = "sallyport-worker", .level = LOG_LEVEL_INFO, .link = &z->monitor};
    int r = loop_new(&z->loop);
    if (r == 0)
        r = sources_add(z);
    if (r == 0)
        r = manager_tell(z);
    if (r == 0)
        r = loop_run(z->loop);
    if (r < 0) {
        log_say(&z->log, LOG_LEVEL_ERROR, "zygote_failed", "the zygote cannot go on: %s", strerror(-r));
        r = EXIT_BROKEN;
    }
    zygote_free(z);
    return r;
}
