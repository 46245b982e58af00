/*
 * The worker's messages after login. Input: channel_* of the worker. Output: programs with their descriptors for the
 * worker, and one answer to each request.
 *
 * What root does here for a worker that nobody trusts: it starts programs as the user, and signals process groups that
 * its own children lead. A hostile worker can run programs as the user, which is what a login is.
 */
#include "session/on_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <termios.h>

#include "session/programs.h"
#include "session/programs_state.h"
#include "session/signals.h"

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

int on_worker(void *context, uint32_t events)
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
