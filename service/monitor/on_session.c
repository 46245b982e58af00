/*
 * What the login programs say: the acceptor, which starts login processes, and each login process on its own link.
 * Input: their messages. A login process is root and decides who may log in, so its word on that is believed; but
 * only for the connection whose link it came over, and only while a login is being decided there.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "monitor/events.h"
#include "monitor/keep.h"
#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/record.h"

#define MESSAGES_PER_TURN 32
/* Before the workers: a worker that was told of success asks for things that are legal in LOGIN only, and the message
 * that moves us there was sent before it was told. */
#define SESSION_PRIORITY (SD_EVENT_PRIORITY_NORMAL - 10)

/* ---- starting one ------------------------------------------------------------------------------------------ */

struct login_pairs {
    int ours[2];   /* monitor <-> login process */
    int theirs[2]; /* worker <-> login process */
};

static void pair_close(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static void pairs_close(struct login_pairs *pairs)
{
    pair_close(pairs->ours);
    pair_close(pairs->theirs);
}

int connection_watch_login(struct connection *c, int fd)
{
    int r = watch_open(&c->session, c->monitor->event, fd, ROLE_SESSION, SESSION_PRIORITY, on_session_io, c);
    if (r == 0)
        r = watch_limit(&c->session, CONNECTION_TURNS_MS, CONNECTION_LOGIN_TURNS);
    if (r)
        watch_close(&c->session);
    return r;
}

static bool login_start(struct connection *c, struct login_pairs *pairs)
{
    const int fds[3] = {pairs->ours[1], pairs->theirs[1], c->generation->snapshot_fd};
    struct monitor *m = c->monitor;
    if (!service_send_with(&m->acceptor, fds, 3, start_login, .connection = c->id))
        return false;
    c->login_started = true;
    if (connection_watch_login(c, TAKE_FD(pairs->ours[0])))
        return false;
    return watch_send(&c->session, open_login, .connection = c->id, .user = sp_text(c->user),
                      .session_id = sp_span_of(c->session_id, c->session_id_size), .host_key = c->host_key,
                      .remote_address = sp_text(c->remote.text), .remote_port = c->remote.port,
                      .local_address = sp_text(c->local.text), .local_port = c->local.port,
                      .negotiated = c->negotiated, .listener = sp_text(c->listener)) == 0;
}

void connection_ask_login(struct connection *c)
{
    CLEANUP(pairs_close) struct login_pairs pairs = {{-1, -1}, {-1, -1}};
    connection_move(c, PHASE_AUTH);
    if (link_pair(pairs.ours) || link_pair(pairs.theirs) || !login_start(c, &pairs)) {
        connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Logins are not possible now"),
                       "no_login_service");
        return;
    }
    free((void *)(uintptr_t)c->host_key.data); /* was for the login process */
    c->host_key = (struct sp_span){0};
    if (watch_send_with(&c->worker, &pairs.theirs[0], 1, login_link))
        connection_worker_gone(c);
}

/* ---- the login process's own link ------------------------------------------------------------------------- */

/* For the log; success in it moves nothing. */
static void on_login_attempt(struct connection *c, const union msg_body *body)
{
    record_login_attempt(c, &body->login_attempt);
}

/* The name has to be the one that was asked about: a login process is for one name, and says so. */
static void on_login_succeeded(struct connection *c, const union msg_body *body)
{
    const struct msg_login_succeeded *login = &body->login_succeeded;
    if (!sp_span_is(login->user, c->user)) {
        connection_illegal(c, "session reported the login of another user than it was asked about");
        return;
    }
    connection_wait(c, TIMER_NONE, 0);
    connection_move(c, PHASE_LOGIN);
    record_login(c, login);
    keep_connection(c);
}

/* For the log and the table alone. */
static void on_login_policy_report(struct connection *c, const union msg_body *body)
{
    const struct msg_login_policy_report *report = &body->login_policy_report;
    record_policy_report(c, report->policy, report->what, report->detail);
}

static void on_event(struct connection *c, const union msg_body *body)
{
    event_relay(c->monitor, c, ROLE_SESSION, &body->event);
}

static const struct {
    uint16_t number;
    void (*on_message)(struct connection *c, const union msg_body *body);
} handlers[] = {
    {MSG_login_attempt, on_login_attempt},
    {MSG_login_succeeded, on_login_succeeded},
    {MSG_login_policy_report, on_login_policy_report},
    {MSG_event, on_event},
};

static void dispatch(struct connection *c, const struct link_inbox *inbox)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].number == inbox->row->number) {
            handlers[i].on_message(c, &inbox->body);
            return;
        }
    }
    connection_illegal(c, "session sent a message that nobody here takes");
}

static void receive_one(struct connection *c, int r, const struct link_inbox *inbox)
{
    if (r == 0)
        dispatch(c, inbox);
    else if (r == LINK_E_ILLEGAL && c->phase != PHASE_CLOSING)
        connection_illegal(c, link_complaint(&c->session.link));
    else if (r != LINK_E_ILLEGAL)
        connection_login_gone(c);
}

int on_session_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct connection *c = context;
    struct link_inbox *inbox = c->monitor->inbox;
    (void)source;
    (void)fd;
    if (watch_flush(&c->session, events)) {
        connection_login_gone(c);
        return 0;
    }
    for (int i = 0; i < MESSAGES_PER_TURN && watch_is_open(&c->session); i++) {
        int r = link_receive(&c->session.link, c->phase, inbox);
        if (r == LINK_E_AGAIN)
            break;
        receive_one(c, r, inbox);
    }
    link_inbox_wipe(inbox);
    return 0;
}

/* ---- the acceptor ------------------------------------------------------------------------------------------ */

/* The link of a login process says by itself that it has gone; this covers one that never came to open it. */
static void on_login_exited(struct monitor *m, const union msg_body *body)
{
    struct connection *c = connection_find(m, body->login_exited.connection);
    int status = (int)body->login_exited.status;
    if (!c)
        return;
    c->login_started = false;
    if (!WIFSIGNALED(status))
        return;
    observe_login_crash(c, WTERMSIG(status));
    monitor_say(m, c, LOG_LEVEL_ERROR, "login_crashed", "The login process died of signal %d",
                WTERMSIG(status));
}

static const struct service_handler acceptor_handlers[] = {
    {MSG_login_exited, on_login_exited},
};

static void on_acceptor_change(struct monitor *m)
{
    (void)m; /* its login processes have links of their own, and live on */
}

const struct service_kind acceptor_kind = {
    .name = "session",
    .socket = "session.sock",
    .role = ROLE_ACCEPTOR,
    .priority = SD_EVENT_PRIORITY_NORMAL,
    .handlers = acceptor_handlers,
    .handler_count = ARRAY_SIZE(acceptor_handlers),
    .on_connected = on_acceptor_change,
    .on_lost = on_acceptor_change,
};
