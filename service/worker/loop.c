/*
 * The loop of one worker. Input: the client's socket, the monitor's link, the login process's link, the descriptors of
 * programs, the clock. Output: calls into the subjects, in an order that lets none of them starve another, and one
 * write(2) of everything that a turn made.
 *
 * Back-pressure: bulk data is not begun above the output's first mark, and the client's messages are not handled above
 * the second, while the signer works on an exchange, while the monitor judges a balancer's header, or while the login
 * process owes an answer. What is not handled is not read.
 */
#include "worker/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/global_request.h"
#include "worker/hostkeys.h"
#include "worker/ident.h"
#include "worker/kex.h"
#include "worker/on_monitor.h"
#include "worker/on_session.h"
#include "worker/packet.h"
#include "worker/packet_in.h"
#include "worker/packet_out.h"
#include "worker/rekey.h"
#include "worker/ssh_numbers.h"

/* At the end: how long the last octets may take, and how much of the client's is read away so that they arrive. */
#define FAREWELL_MS 500
#define FAREWELL_OCTETS (256u * 1024u)

enum { POLL_CLIENT, POLL_MONITOR, POLL_SESSION, POLL_CHANNELS };

struct turn {
    struct pollfd polls[POLL_CHANNELS + CHANNELS_POLL_MAX];
    size_t channels;
};

static bool may_handle(const struct connection *c)
{
    return !c->ending && c->proxy_step != PROXY_ASKED && c->transport.kex.step != KEX_SIGNING &&
           !session_is_behind(c) && !hostkeys_is_behind(c) && packet_waiting(c) < OUTPUT_INPUT_MARK;
}

/* Nothing was in common, and the signer is being asked for the reason. It is to be in the log whether the client, which may
 * have seen it as soon as we, waits for ours or not. */
static bool is_refused(const struct connection *c)
{
    return c->transport.kex.step == KEX_SIGNING && !c->transport.kex.ops;
}

/* ---- before the poll ----------------------------------------------------------------------------------------- */

static short client_events(const struct connection *c)
{
    short events = 0;
    if (may_handle(c) && packet_has_room(c))
        events |= POLLIN;
    /* A client that goes while the signer works is seen, so that its work can be dropped. */
    if (c->transport.kex.step == KEX_SIGNING)
        events |= POLLRDHUP;
    if (packet_waiting(c) != 0)
        events |= POLLOUT;
    return events;
}

static struct pollfd link_poll(const struct link *link)
{
    bool open = link_is_open(link);
    return (struct pollfd){
        .fd = open ? link->fd : -1,
        .events = (short)(POLLIN | (open && link_wants_write(link) ? POLLOUT : 0)),
    };
}

static int sooner(int a_ms, int b_ms)
{
    if (a_ms < 0 || b_ms < 0)
        return a_ms < 0 ? b_ms : a_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

static int wait_ms(const struct connection *c)
{
    const struct transport *t = &c->transport;
    if ((t->input_waits && may_handle(c)) || (t->data_waits && packet_may_send_data(c)))
        return 0;
    if (c->phase != PHASE_LOGIN)
        return -1;
    uint64_t now_ms = clock_ms();
    return sooner(rekey_wait_ms(c, now_ms), alive_wait_ms(c, now_ms));
}

/* ---- after it ------------------------------------------------------------------------------------------------ */

static int input_handle_one(struct connection *c)
{
    struct sp_span payload;
    if (c->proxy_step == PROXY_HEADER)
        return proxy_receive(c);
    if (!c->transport.ident_done)
        return ident_receive(c);
    int r = packet_next(c, &payload);
    return r ? r : dispatch_message(c, payload);
}

/* Everything that is there, until something has to be waited for. */
static int input_handle(struct connection *c)
{
    struct transport *t = &c->transport;
    int r = 0;
    while (r == 0 && may_handle(c))
        r = input_handle_one(c);
    t->input_waits = r == 0;
    if (r != PACKET_E_MORE)
        return r;
    if (t->input.eof)
        return connection_ended_by_peer(c, 0, sp_text("the client closed the connection"));
    return 0;
}

static int client_serve(struct connection *c, short revents)
{
    int r = 0;
    if (c->transport.kex.step == KEX_SIGNING && (revents & (POLLRDHUP | POLLHUP | POLLERR)))
        return connection_ended_by_peer(c, 0, sp_text("the client closed the connection"));
    if ((revents & (POLLIN | POLLHUP | POLLERR)) && packet_has_room(c) && may_handle(c)) {
        r = packet_read(c);
        alive_heard(c);
    } else if (revents & (POLLHUP | POLLERR)) {
        /* Both directions are closed: nothing that is waited for can reach the client any more. */
        c->end_by_reset = (revents & POLLERR) != 0;
        return connection_ended_by_peer(c, 0, sp_text("the client went away"));
    }
    return r;
}

static int links_serve(struct connection *c, const struct turn *turn)
{
    short monitor = turn->polls[POLL_MONITOR].revents, session = turn->polls[POLL_SESSION].revents;
    int r = 0;
    if ((monitor & POLLOUT) && link_flush(&c->monitor))
        r = on_monitor_lost(c);
    if (r == 0 && link_is_open(&c->monitor) && (monitor & (POLLIN | POLLHUP | POLLERR)))
        r = on_monitor_message(c);
    if (r == 0 && (session & POLLOUT))
        r = session_told(c, link_flush(&c->session));
    if (r == 0 && (session & (POLLIN | POLLHUP | POLLERR)))
        r = on_session_message(c);
    return r;
}

static int timers_serve(struct connection *c)
{
    if (c->phase != PHASE_LOGIN)
        return 0;
    uint64_t now_ms = clock_ms();
    int r = rekey_tick(c, now_ms);
    return r ? r : alive_tick(c, now_ms);
}

static int data_serve(struct connection *c, const struct turn *turn)
{
    struct transport *t = &c->transport;
    int r = channels_poll_dispatch(c, turn->polls + POLL_CHANNELS, turn->channels);
    if (r == 0 && t->data_waits && packet_may_send_data(c))
        r = channels_pump(c);
    return r;
}

static int turn_serve(struct connection *c, const struct turn *turn)
{
    int r = links_serve(c, turn);
    if (r == 0)
        r = client_serve(c, turn->polls[POLL_CLIENT].revents);
    if (r == 0)
        r = input_handle(c);
    if (r == 0)
        r = data_serve(c, turn);
    if (r == 0)
        r = timers_serve(c);
    c->transport.data_waits = !packet_may_send_data(c);
    return r ? r : packet_flush(c);
}

static int turn_take(struct connection *c, struct turn *turn)
{
    turn->polls[POLL_CLIENT] =
        (struct pollfd){.fd = is_refused(c) ? -1 : c->socket, .events = client_events(c)};
    turn->polls[POLL_MONITOR] = link_poll(&c->monitor);
    turn->polls[POLL_SESSION] = link_poll(&c->session);
    turn->channels = channels_poll_fill(c, turn->polls + POLL_CHANNELS, CHANNELS_POLL_MAX);
    int ready = poll(turn->polls, POLL_CHANNELS + turn->channels, wait_ms(c));
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    return turn_serve(c, turn);
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

static int disconnect_send(struct connection *c)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_DISCONNECT);
    sp_put_u32(out, c->end_reason);
    sp_put_text(out, c->end_text);
    sp_put_text(out, ""); /* language tag */
    return packet_end(c);
}

static void monitor_tell(struct connection *c)
{
    const struct transport *t = &c->transport;
    if (link_is_open(&c->monitor) &&
        link_send(&c->monitor, ended, .reason = c->end_reason, .by_peer = c->end_by_peer,
                  .reset = c->end_by_reset,
                  .text = sp_text(c->end_text), .octets_in = t->in.total, .octets_out = t->out.total,
                  .rekeys = t->rekeys))
        link_close(&c->monitor);
}

/* Waits for the socket, in what is left of the time for farewells. */
static bool farewell_wait(const struct connection *c, short events, uint64_t until_ms)
{
    uint64_t now_ms = clock_ms();
    struct pollfd p = {.fd = c->socket, .events = events};
    return now_ms < until_ms && poll(&p, 1, (int)(until_ms - now_ms)) > 0;
}

/* A socket that is closed with unread input is reset, and the client would never see our DISCONNECT. */
static void farewell(struct connection *c)
{
    uint64_t until_ms = clock_ms() + FAREWELL_MS;
    uint8_t *away = c->transport.input.bytes;
    while (packet_waiting(c) != 0 && packet_flush(c) == 0 && packet_waiting(c) != 0)
        if (!farewell_wait(c, POLLOUT, until_ms))
            return;
    if (shutdown(c->socket, SHUT_WR) < 0)
        return;
    for (size_t octets = 0; octets < FAREWELL_OCTETS;) {
        ssize_t got = read(c->socket, away, INPUT_SIZE_EARLY);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return;
        if (got < 0 && !farewell_wait(c, POLLIN, until_ms))
            return;
        octets += got > 0 ? (size_t)got : 0;
    }
}

static void connection_finish(struct connection *c)
{
    bool speak = !c->end_by_peer;
    channels_close_all(c);
    if (speak && c->proxy_step != PROXY_NONE && proxy_refuse(c))
        speak = false;
    /* Before an identification came, and to who has none, packets mean nothing. */
    if (speak && c->transport.ident_done && disconnect_send(c))
        speak = false;
    monitor_tell(c);
    if (speak)
        farewell(c);
    if (link_is_open(&c->monitor) && link_flush(&c->monitor))
        link_close(&c->monitor);
    auth_free(&c->auth);
    kex_forget_asked(&c->transport.kex);
    hostkeys_forget_keys(&c->hostkeys);
}

void connection_serve(struct connection *c)
{
    struct turn turn;
    /* Behind a balancer nothing is said to anybody before it is known to whom. */
    int r = c->proxy_step == PROXY_NONE ? ident_send(c) : 0;
    if (r == 0)
        r = packet_flush(c);
    while (r == 0 && !c->ending)
        r = turn_take(c, &turn);
    if (r != 0 && r != WORKER_E_END) {
        log_say(&c->log, LOG_LEVEL_ERROR, "worker_failed", "the connection cannot go on: %s",
                r < 0 ? strerror(-r) : "unexpected result");
        r = connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "internal error");
    }
    connection_finish(c);
}
