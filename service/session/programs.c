/*
 * The life of a session. Input: ends of programs, the two links. Output: exits of programs to the worker; the end of
 * the loop when the worker is gone. What the worker asks for is on_worker.c's.
 */
#include "session/programs.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "session/on_worker.h"
#include "session/programs_state.h"
#include "session/signals.h"

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

int links_arm(struct programs *p)
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

/* kill(2) asks for the sender's real uid, too, so root may stay as the saved one alone. A real uid of the user's would let
 * him signal us in turn; the highest one is nobody's at all, and where a user namespace does not have it, NOBODY. */
static int user_become(uid_t uid)
{
    return setresuid((uid_t)-2, uid, 0) == 0 ? 0 : setresuid(ACCOUNT_NOBODY, uid, 0);
}

/* As the user: what has become root in the group, behind sudo(8), is no more killable than by the user himself. The group
 * cannot be somebody else's, as its leader is our child and not yet waited for. */
void program_signal(const struct program *program, int number)
{
    if (user_become(program->of->login->account.uid) < 0)
        return;
    (void)killpg(program->pid, number);
    if (setresuid(0, 0, 0) < 0)
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

int program_adopt(struct programs *p, struct slot *slot, const struct program_started *started, bool forced)
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

/* ---- the end ------------------------------------------------------------------------------------------------- */

static int on_linger_over(void *context)
{
    struct programs *p = context;
    loop_stop(p->loop, 0);
    return 0;
}

/* The worker is gone: hang up everything. Programs that ignore it stay, as users of nohup(1) expect. */
int session_end(struct programs *p)
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
