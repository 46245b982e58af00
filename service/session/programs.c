/*
 * The life of a session. Input: channel_* of the worker, ends of programs. Output: descriptors and channel_* for the
 * worker.
 *
 * What root does here for a worker that nobody trusts: it starts programs as the user, and signals process groups that
 * its own children lead. A hostile worker can run programs as the user, which is what a login is.
 */
#include "session/programs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/loop.h"

#include "session/login.h"
#include "session/program.h"
#include "session/signals.h"
#include "session/slot.h"

struct programs;

/* A running program. It may outlive its channel, and its number; `serial` tells the worker which one it is. */
struct program {
    struct programs *of;
    struct program *next;
    uint64_t serial;
    uint32_t channel;
    pid_t pid; /* leads its process group; ours until it is waited for */
    int pidfd;
    bool may_signal; /* the client chose what runs */
    struct loop_source *source;
    struct slot *slot; /* NULL: the channel is gone */
};

struct programs {
    struct login *login;
    struct loop *loop;
    struct loop_source *worker_source, *monitor_source;
    struct slots slots;
    struct program *first;
    size_t count;
    uint64_t serials;
    bool ending;
};

/* ---- links -------------------------------------------------------------------------------------------------- */

static void monitor_lost(struct programs *p)
{
    loop_remove(p->monitor_source);
    p->monitor_source = NULL;
    link_close(&p->login->monitor);
}

static int arm(struct loop_source *source, const struct link *link)
{
    return source ? loop_modify(source, EPOLLIN | (link_wants_write(link) ? EPOLLOUT : 0)) : 0;
}

/* After every turn: whatever was sent may have been queued. */
static int links_arm(struct programs *p)
{
    int r = arm(p->worker_source, &p->login->worker);
    return r ? r : arm(p->monitor_source, &p->login->monitor);
}

/* A restarted monitor is no reason to throw a user out; events go to standard error from then on. */
static int on_monitor(void *context, uint32_t events)
{
    struct programs *p = context;
    struct login *login = p->login;
    if ((events & EPOLLOUT) && link_flush(&login->monitor)) {
        monitor_lost(p);
        return 0;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        int r = link_receive(&login->monitor, PHASE_LOGIN, login->side);
        if (r != LINK_E_AGAIN)
            monitor_lost(p);
    }
    return links_arm(p);
}

/* ---- programs ----------------------------------------------------------------------------------------------- */

/* With the user's effective uid: a setuid program in the group is no more killable than by the user himself. The group
 * cannot be somebody else's, as its leader is our child and not yet waited for. */
static void program_signal(const struct program *program, int number)
{
    const struct account *account = &program->of->login->account;
    if (seteuid(account->uid) < 0)
        return;
    (void)killpg(program->pid, number);
    if (seteuid(0) < 0)
        abort(); /* cannot happen: the saved uid is root's */
}

static void program_forget(struct program *program)
{
    struct program **at = &program->of->first;
    while (*at != program)
        at = &(*at)->next;
    *at = program->next;
    program->of->count--;
    if (program->slot) {
        program->slot->program = NULL;
        pty_close(&program->slot->pty);
    }
    loop_remove(program->source);
    close(program->pidfd);
    free(program);
}

static void exit_log(struct programs *p, const struct program *program, int status)
{
    struct log *log = &p->login->log;
    if (WIFSIGNALED(status))
        log_say(log, LOG_LEVEL_INFO, "channel_closed", "program of channel %u ended by signal %s",
                program->channel, signal_ssh_name(WTERMSIG(status)));
    else
        log_say(log, LOG_LEVEL_INFO, "channel_closed", "program of channel %u ended with status %d",
                program->channel, WEXITSTATUS(status));
}

static int exit_tell(struct programs *p, const struct program *program, int status)
{
    bool killed = WIFSIGNALED(status);
    if (p->ending)
        return 0;
    return link_send(&p->login->worker, channel_exited, .channel = program->channel,
                     .serial = program->serial, .status = killed ? 0 : (uint32_t)WEXITSTATUS(status),
                     .signal = sp_text(killed ? signal_ssh_name(WTERMSIG(status)) : ""),
                     .core_dumped = killed && WCOREDUMP(status));
}

static void ended(struct programs *p)
{
    if (p->ending && p->count == 0)
        loop_stop(p->loop, 0);
}

static int session_end(struct programs *p);

static int on_program_exit(void *context, uint32_t events)
{
    struct program *program = context;
    struct programs *p = program->of;
    int status = 0;
    (void)events;
    pid_t pid = waitpid(program->pid, &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return 0;
    exit_log(p, program, status);
    int r = exit_tell(p, program, status);
    program_forget(program);
    if (r)
        return session_end(p);
    ended(p);
    return links_arm(p);
}

static int program_adopt(struct programs *p, struct slot *slot, const struct program_started *started,
                         bool forced)
{
    struct program *program = calloc(1, sizeof *program);
    if (!program)
        return -ENOMEM;
    *program = (struct program){.of = p,
                                .serial = ++p->serials,
                                .channel = slot->channel,
                                .pid = started->pid,
                                .pidfd = started->pidfd,
                                .may_signal = !forced,
                                .slot = slot};
    int r = loop_add(p->loop, program->pidfd, EPOLLIN, on_program_exit, program, &program->source);
    if (r) {
        free(program);
        return r;
    }
    program->next = p->first;
    p->first = program;
    p->count++;
    slot->program = program;
    return 0;
}

/* ---- the worker's messages ---------------------------------------------------------------------------------- */

static int answer(struct programs *p, uint32_t channel, bool ok)
{
    return link_send(&p->login->worker, channel_done, .channel = channel, .ok = ok);
}

static int on_channel_env(struct programs *p, const union msg_body *body)
{
    const struct msg_channel_env *request = &body->channel_env;
    struct slot *slot = slot_find(&p->slots, request->channel, true);
    int r = slot && !slot->ran ? slot_add_variable(slot, p->login->config, request->name, request->value)
                               : -EBUSY;
    return answer(p, request->channel, r == 0);
}

static int pty_prepare(struct programs *p, struct slot *slot, const struct msg_channel_pty *request)
{
    const struct login *login = p->login;
    if (!slot || slot->ran || slot->pty.master >= 0)
        return -EBUSY;
    if (!login->config->permit_tty || (login->restrictions.denied & RESTRICT_PTY))
        return -EPERM;
    snprintf(slot->term, sizeof slot->term, "%.*s", (int)request->term.size,
             request->term.data ? (const char *)request->term.data : "");
    return pty_open(request, &login->account, &slot->pty);
}

static int on_channel_pty(struct programs *p, const union msg_body *body)
{
    const struct msg_channel_pty *request = &body->channel_pty;
    int r = pty_prepare(p, slot_find(&p->slots, request->channel, true), request);
    if (r)
        log_say(&p->login->log, LOG_LEVEL_INFO, "pty_refused", "no terminal for channel %u: %s",
                request->channel, strerror(-r));
    return answer(p, request->channel, r == 0);
}

static int started_tell(struct programs *p, const struct slot *slot, const struct program_started *started)
{
    struct link *worker = &p->login->worker;
    uint64_t serial = slot->program->serial;
    if (slot->pty.master >= 0)
        return link_send_with(worker, &slot->pty.master, 1, channel_started_tty, .channel = slot->channel,
                              .serial = serial);
    return link_send_with(worker, started->fds, 3, channel_started, .channel = slot->channel,
                          .serial = serial);
}

static void started_close(const struct program_started *started)
{
    for (int i = 0; i < 3; i++)
        if (started->fds[i] >= 0)
            close(started->fds[i]);
}

/* One that cannot be watched is killed and reaped at once; nobody has heard of it. */
static void started_undo(struct program_started *started)
{
    (void)kill(started->pid, SIGKILL);
    (void)waitpid(started->pid, NULL, 0);
    close(started->pidfd);
    started_close(started);
}

static void run_log(struct programs *p, const struct slot *slot, enum program_kind kind,
                    const struct program_plan *plan)
{
    static const char *const kinds[] = {
        [PROGRAM_SHELL] = "shell", [PROGRAM_EXEC] = "exec", [PROGRAM_SUBSYSTEM] = "subsystem"};
    const struct log_field fields[] = {
        {"kind", sp_text(kinds[kind])},
        {"tty", sp_text(slot->pty.master >= 0 ? slot->pty.name : "")},
        {"command", sp_span_of(plan->command, plan->command ? strnlen(plan->command, 1024) : 0)},
    };
    log_event(&p->login->log, LOG_LEVEL_INFO, "channel_opened", fields, ARRAY_SIZE(fields),
              "%s on channel %u%s", kinds[kind], slot->channel, plan->forced ? " (forced command)" : "");
}

/* Starts it; *started is what the worker gets. 0, PROGRAM_E_REFUSED, -errno. */
static int slot_run(struct programs *p, struct slot *slot, const struct program_plan *plan,
                    struct program_started *started)
{
    struct environment environment = {0};
    const bool tty = slot->pty.master >= 0;
    const struct environment_of of = {
        .login = p->login,
        .accepted = &slot->environment,
        .tty = tty ? slot->pty.name : NULL,
        .term = slot->term,
        .original_command = plan->original,
    };
    int r = environment_build(&of, &environment);
    if (r)
        return r;
    slot->ran = true;
    r = program_start(p->login, plan, &environment, tty ? &slot->pty : NULL, started);
    environment_free(&environment);
    if (r)
        return r;
    r = program_adopt(p, slot, started, plan->forced);
    if (r)
        started_undo(started);
    return r;
}

static int on_channel_run(struct programs *p, const union msg_body *body)
{
    const struct msg_channel_run *request = &body->channel_run;
    const enum program_kind kind = request->kind;
    struct program_plan plan = {0};
    struct program_started started;
    struct slot *slot = slot_find(&p->slots, request->channel, true);
    int r = slot && !slot->ran && p->count < PROGRAMS_MAX
                ? program_plan(p->login, kind, request->command, &plan)
                : -EBUSY;
    if (r == 0)
        r = slot_run(p, slot, &plan, &started);
    if (r) {
        log_say(&p->login->log, LOG_LEVEL_WARNING, "program_refused", "channel %u: %s", request->channel,
                r > 0 ? plan.refusal : strerror(-r));
        program_plan_free(&plan);
        return answer(p, request->channel, false);
    }
    run_log(p, slot, kind, &plan);
    program_plan_free(&plan);
    r = started_tell(p, slot, &started);
    started_close(&started);
    return r;
}

static int on_channel_signal(struct programs *p, const union msg_body *body)
{
    const struct msg_channel_signal *request = &body->channel_signal;
    const struct slot *slot = slot_find(&p->slots, request->channel, false);
    int number = signal_find(request->name);
    /* As in sshd: a forced command is not the client's to signal. */
    if (number && slot && slot->program && slot->program->may_signal)
        program_signal(slot->program, number);
    return 0;
}

static int on_channel_break(struct programs *p, const union msg_body *body)
{
    const struct slot *slot = slot_find(&p->slots, body->channel_break.channel, false);
    bool sent = slot && slot->program && slot->pty.master >= 0 && tcsendbreak(slot->pty.master, 0) == 0;
    return answer(p, body->channel_break.channel, sent);
}

static int on_channel_gone(struct programs *p, const union msg_body *body)
{
    struct slot *slot = slot_find(&p->slots, body->channel_gone.channel, false);
    if (!slot)
        return 0;
    if (slot->program) {
        program_signal(slot->program, SIGHUP);
        slot->program->slot = NULL;
    }
    slot_release(slot);
    return 0;
}

static const struct {
    unsigned number;
    int (*handle)(struct programs *p, const union msg_body *body);
} handlers[] = {
    {MSG_channel_env, on_channel_env},     {MSG_channel_pty, on_channel_pty},
    {MSG_channel_run, on_channel_run},     {MSG_channel_signal, on_channel_signal},
    {MSG_channel_break, on_channel_break}, {MSG_channel_gone, on_channel_gone},
};

/* Any failure to serve the worker ends the session: it has gone, or it does not read. */
static int message_serve(struct programs *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
        if (handlers[i].number == p->login->inbox->row->number)
            return handlers[i].handle(p, &p->login->inbox->body);
    return -EPROTO;
}

static int on_worker(void *context, uint32_t events)
{
    struct programs *p = context;
    struct login *login = p->login;
    if ((events & EPOLLOUT) && link_flush(&login->worker))
        return session_end(p);
    for (int turn = 0; turn < 32; turn++) {
        int r = link_receive(&login->worker, PHASE_LOGIN, login->inbox);
        if (r == LINK_E_AGAIN)
            break;
        if (r == LINK_E_ILLEGAL)
            log_say(&login->log, LOG_LEVEL_ERROR, "worker_illegal", "%s", link_complaint(&login->worker));
        if (r || message_serve(p))
            return session_end(p);
    }
    return links_arm(p);
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

static int on_linger_over(void *context)
{
    struct programs *p = context;
    loop_stop(p->loop, 0);
    return 0;
}

/* The worker is gone: hang up everything. Programs that ignore it stay, as users of nohup(1) expect. */
static int session_end(struct programs *p)
{
    if (p->ending)
        return 0;
    p->ending = true;
    loop_remove(p->worker_source);
    p->worker_source = NULL;
    link_close(&p->login->worker);
    for (struct program *program = p->first; program; program = program->next) {
        program_signal(program, SIGHUP);
        if (program->slot)
            pty_close(&program->slot->pty);
    }
    ended(p);
    int r = loop_add_timer(p->loop, PROGRAMS_LINGER_MS, on_linger_over, p, NULL);
    return r ? r : links_arm(p);
}

static int programs_open(struct programs *p)
{
    struct login *login = p->login;
    int r = loop_new(&p->loop);
    if (r == 0)
        r = slots_new(&p->slots, login->config->max_sessions);
    if (r == 0)
        r = loop_add(p->loop, login->worker.fd, EPOLLIN, on_worker, p, &p->worker_source);
    if (r == 0 && link_is_open(&login->monitor))
        r = loop_add(p->loop, login->monitor.fd, EPOLLIN, on_monitor, p, &p->monitor_source);
    return r ? r : links_arm(p);
}

int programs_run(struct login *login)
{
    struct programs p = {.login = login};
    int r = programs_open(&p);
    if (r == 0)
        r = loop_run(p.loop);
    while (p.first)
        program_forget(p.first);
    slots_free(&p.slots);
    loop_free(p.loop);
    return r;
}
