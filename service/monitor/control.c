/*
 * The control socket. Input: connections of the administrator's tool, and their questions, checked against messages.def.
 * Output: JSON, in pieces. Whoever does not read is dropped when his time is over; the loop never waits for him, and
 * clients of SSH are served first.
 */
#include "monitor/control.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"

#include "monitor/monitor.h"

#define CONTROL_PRIORITY 50 /* behind connections, which have the normal one */
#define CONTROL_PIECE 60000u
#define CONTROL_TURNS_MS 100u
#define CONTROL_TURNS 20u
#define PEER_GROUPS_MAX 1024u

static bool socket_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

bool control_take(struct control *control, int fd)
{
    if (control->fd > 0 || !socket_is(fd, SO_DOMAIN, AF_UNIX) || !socket_is(fd, SO_TYPE, SOCK_SEQPACKET) ||
        !socket_is(fd, SO_ACCEPTCONN, 1))
        return false;
    fd_set_nonblocking(fd);
    fd_set_cloexec(fd);
    control->fd = fd;
    return true;
}

/* ---- who may ask ------------------------------------------------------------------------------------------- */

static bool peer_has_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[PEER_GROUPS_MAX];
    socklen_t size = sizeof groups;
    if (peer->gid == group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return false;
    for (size_t i = 0; i < size / sizeof groups[0]; i++)
        if (groups[i] == group)
            return true;
    return false;
}

/* The kernel has asked for write permission on the socket already; a mode that somebody has opened to all does not open
 * this. */
static int peer_check(const struct monitor *m, int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    char path[PATH_MAX];
    struct stat st;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    *uid = peer.uid;
    if (peer.uid == 0)
        return 0;
    int length = snprintf(path, sizeof path, "%s/" CONTROL_SOCKET, m->options->runtime_dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    if (stat(path, &st) < 0)
        return -errno;
    return (st.st_mode & S_IWGRP) && st.st_gid != 0 && peer_has_group(fd, &peer, st.st_gid) ? 0 : -EPERM;
}

/* They may stay for as long as they like, as followers do, and come again when their time is over. */
bool control_has_place(const struct control *control, uid_t uid)
{
    unsigned others = 0;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        others += watch_is_open(&control->clients[i].watch) && control->clients[i].uid != 0 ? 1u : 0u;
    return uid == 0 || others < CONTROL_OTHERS_MAX;
}

/* ---- clients ----------------------------------------------------------------------------------------------- */

static void listening_set(struct monitor *m)
{
    bool room = m->control.count < CONTROL_CLIENTS_MAX;
    (void)sd_event_source_set_enabled(m->control.source, room ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void client_drop(struct control_client *c)
{
    if (!watch_is_open(&c->watch))
        return;
    c->deadline = sd_event_source_disable_unref(c->deadline);
    watch_close(&c->watch);
    c->monitor->control.count--;
    listening_set(c->monitor);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    client_drop(context);
    return 0;
}

int control_client_wait(struct control_client *c)
{
    c->deadline = sd_event_source_disable_unref(c->deadline);
    int r = sd_event_add_time_relative(c->monitor->event, &c->deadline, CLOCK_MONOTONIC,
                                       CONTROL_TIMEOUT_MS * 1000ull, 0, on_deadline, c);
    return r < 0 ? r : 0;
}

static int pieces_send(struct control_client *c, struct sp_span text)
{
    int r = 0;
    while (r == 0 && text.size != 0) {
        struct sp_span piece = sp_span_of(text.data, size_min(text.size, CONTROL_PIECE));
        r = watch_send(&c->watch, control_part, .json = piece);
        text.data += piece.size;
        text.size -= piece.size;
    }
    return r;
}

static int answer_pieces(struct control_client *c, struct sp_span json)
{
    int r = pieces_send(c, json);
    return r ? r : watch_send(&c->watch, control_end, .ok = true);
}

static int refuse(struct control_client *c, const char *why)
{
    return watch_send(&c->watch, control_end, .ok = false, .why = sp_text(why));
}

static int events_answer(struct control_client *c, const struct msg_control_ask *ask, bool follow)
{
    char why[CONTROL_WHY_MAX];
    CLEANUP_FREE char *text = NULL;
    size_t size;
    if (control_events(c, ask->argument, follow, &text, &size, why))
        return refuse(c, why);
    if (follow)
        c->deadline = sd_event_source_disable_unref(c->deadline);
    int r = pieces_send(c, sp_span_of((const uint8_t *)text, size));
    return r || follow ? r : watch_send(&c->watch, control_end, .ok = true);
}

static int question_answer(struct control_client *c, const struct msg_control_ask *ask)
{
    const struct control_asked asked = {.argument = ask->argument, .uid = c->uid};
    char why[CONTROL_WHY_MAX];
    json_t *answer = NULL;
    if (sp_span_is(ask->question, "events") || sp_span_is(ask->question, "follow"))
        return events_answer(c, ask, sp_span_is(ask->question, "follow"));
    if (control_answer(c->monitor, ask->question, &asked, &answer, why))
        return refuse(c, why);
    CLEANUP_FREE char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (!text)
        return refuse(c, "out of memory");
    struct sp_span json = sp_text(text);
    return json.size > CONTROL_ANSWER_MAX ? refuse(c, "the answer is too long") : answer_pieces(c, json);
}

/* One question at a time: the next is not read before the answer is on its way whole. */
static int on_client_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct control_client *c = context;
    struct link_inbox *inbox = c->monitor->inbox;
    (void)source;
    (void)fd;
    int r = watch_flush(&c->watch, events);
    if (r == 0 && c->follows)
        r = control_follow_on(c);
    else if (r == 0 && link_wants_write(&c->watch.link))
        return 0;
    if (r == 0)
        r = link_receive(&c->watch.link, PHASE_ANY, inbox);
    if (r == LINK_E_AGAIN)
        return 0;
    if (r == 0 && c->follows) /* it has nothing more to ask */
        r = LINK_E_CLOSED;
    if (r == 0)
        r = control_client_wait(c);
    if (r == 0)
        r = question_answer(c, &inbox->body.control_ask); /* the only message of this peer */
    link_inbox_wipe(inbox);
    if (r)
        client_drop(c);
    return 0;
}

static struct control_client *client_free_place(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (!watch_is_open(&control->clients[i].watch))
            return &control->clients[i];
    return NULL;
}

static int client_new(struct monitor *m, int fd, uid_t uid)
{
    struct control_client *c = client_free_place(&m->control);
    if (!c) {
        close(fd);
        return 0;
    }
    *c = (struct control_client){.monitor = m, .uid = uid};
    int r = watch_open(&c->watch, m->event, fd, ROLE_CTL, CONTROL_PRIORITY, on_client_io, c);
    if (r)
        return r;
    m->control.count++;
    r = control_client_wait(c);
    if (r == 0) /* nor is a turn of the loop his whenever he has something to say */
        r = watch_limit(&c->watch, CONTROL_TURNS_MS, CONTROL_TURNS);
    if (r)
        client_drop(c);
    return r;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)events;
    CLEANUP_CLOSE int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return 0;
    uid_t uid = (uid_t)-1;
    int r = peer_check(m, client, &uid);
    if (r == 0 && !control_has_place(&m->control, uid))
        r = -EBUSY;
    if (r == 0)
        r = client_new(m, TAKE_FD(client), uid);
    if (r)
        monitor_say(m, NULL, LOG_LEVEL_WARNING, "control_refused", "Control socket: a client was refused: %s",
                    strerror(-r));
    listening_set(m);
    return 0;
}

int control_start(struct monitor *m)
{
    struct control *control = &m->control;
    observe_start(m);
    if (control->fd <= 0)
        return 0;
    int r = sd_event_add_io(m->event, &control->source, control->fd, EPOLLIN, on_connect, m);
    if (r >= 0)
        r = sd_event_source_set_priority(control->source, CONTROL_PRIORITY);
    /* Whoever is refused may come again at once: the log is not his to fill. */
    if (r >= 0)
        r = sd_event_source_set_ratelimit(control->source, 1000000, 50);
    return r < 0 ? r : 0;
}

void control_stop(struct monitor *m)
{
    struct control *control = &m->control;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        client_drop(&control->clients[i]);
    control->source = sd_event_source_disable_unref(control->source);
    if (control->fd > 0)
        close(control->fd);
    control->fd = -1;
    observe_stop(m);
}
