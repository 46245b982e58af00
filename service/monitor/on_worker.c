/*
 * What workers say. Input: the messages of processes that parse bytes from the network, so of the least trusted peer of
 * all; a worker may have become anything. Its link is its identity: no message names a connection, and what arrives
 * here can only ever concern the connection whose link it came over.
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "monitor/events.h"
#include "monitor/host_keys.h"
#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/proxied.h"
#include "monitor/progress.h"

#define MESSAGES_PER_TURN 16

/*
 * The transcript is relayed unread: whether it is one is the signer's to find out. What we add is our own knowledge:
 * whose it is, its generation, its first H. The row admits it in START and LOGIN only.
 */
static void on_ask_signature(struct connection *c, const union msg_body *body)
{
    struct sp_span transcript = body->ask_signature.transcript;
    if (c->balancer.step == BALANCER_AWAITED) {
        connection_illegal(c, "worker sent ask_signature before it had said whose connection it is");
        return;
    }
    if (c->resuming != 0)
        return; /* it will ask again */
    if (c->sign.transcript) {
        connection_illegal(c, "worker sent a second ask_signature before the first was answered");
        return;
    }
    c->sign.transcript = malloc(transcript.size + 1);
    if (!c->sign.transcript) {
        connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Out of memory"), "no_memory");
        return;
    }
    memcpy(c->sign.transcript, transcript.data, transcript.size);
    c->sign.size = transcript.size;
    c->sign.attempts = 0;
    c->sign.sent = false;
    connection_ask_sign(c);
}

/*
 * The name is a claim, and is only handed on as one: the login process finds out whether it is true. It is taken once,
 * because the row admits it in READY only and naming leaves READY for good.
 */
static void on_ask_login(struct connection *c, const union msg_body *body)
{
    struct sp_span user = body->ask_login.user;
    c->user = strndup((const char *)user.data, user.size);
    if (!c->user) {
        connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Out of memory"), "no_memory");
        return;
    }
    connection_ask_login(c);
}

/* The row admits it in LOGIN only. Which keys are meant, the signer finds out. */
static void on_ask_proof(struct connection *c, const union msg_body *body)
{
    if (c->resuming == 0)
        connection_ask_proof(c, body->ask_proof.keys);
}

/* From here on what it asks is asked of us; it changes nothing but that its own questions are heard. One with another ticket
 * was meant for a monitor that has gone before it read it. */
static void on_resumed(struct connection *c, const union msg_body *body)
{
    if (c->resuming == 0)
        connection_illegal(c, "worker sent resumed without having been told to resume");
    else if (body->resumed.ticket == c->resuming)
        c->resuming = 0;
}

static void on_proxied(struct connection *c, const union msg_body *body)
{
    connection_take_proxied(c, &body->proxied);
}

/* For who asks. One that nobody asked for, or that a monitor before this one did, is dropped. */
static void on_report(struct connection *c, const union msg_body *body)
{
    connection_take_report(c, &body->report);
}

/* For the log only; nothing follows from it but words. */
static void on_ended(struct connection *c, const union msg_body *body)
{
    const struct msg_ended *said = &body->ended;
    if (c->end.said)
        return;
    c->end.said = true;
    c->end.by_peer = said->by_peer;
    c->end.is_reset = said->reset;
    c->end.reason = said->reason;
    c->end.rekeys = said->rekeys;
    c->end.octets_in = said->octets_in;
    c->end.octets_out = said->octets_out;
    c->end.text = strndup((const char *)said->text.data, said->text.size);
}

static void on_event(struct connection *c, const union msg_body *body)
{
    event_relay(c->monitor, c, ROLE_WORKER, &body->event);
}

static const struct {
    uint16_t number;
    void (*on_message)(struct connection *c, const union msg_body *body);
} handlers[] = {
    {MSG_ask_signature, on_ask_signature},
    {MSG_ask_login, on_ask_login},
    {MSG_ask_proof, on_ask_proof},
    {MSG_proxied, on_proxied},
    {MSG_resumed, on_resumed},
    {MSG_report, on_report},
    {MSG_ended, on_ended},
    {MSG_event, on_event},
};

static void dispatch(struct connection *c, const struct link_inbox *inbox)
{
    cleanup_close(&c->client_fd); /* the worker lives: the client is its own now */
    c->client_fd = -1;
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        if (handlers[i].number == inbox->row->number) {
            handlers[i].on_message(c, &inbox->body);
            return;
        }
    }
    connection_illegal(c, "worker sent a message that nobody here takes");
}

/*
 * In AUTH one message at a time. A worker that was told of success goes on with what is legal in LOGIN only; what moves
 * us there was sent to us before, on the login process's link. A message that was there when the loop looked has its
 * causes there too, and theirs has the better priority; one that came meanwhile may be ahead of them.
 */
static bool may_read_on(const struct connection *c, int messages)
{
    return messages < MESSAGES_PER_TURN && c->phase != PHASE_AUTH && watch_is_open(&c->worker);
}

/* In CLOSING what crossed our `end` is out of phase without being wrong: it is dropped. */
static void receive_one(struct connection *c, int r, const struct link_inbox *inbox)
{
    if (r == 0)
        dispatch(c, inbox);
    else if (r == LINK_E_ILLEGAL && c->phase != PHASE_CLOSING)
        connection_illegal(c, link_complaint(&c->worker.link));
    else if (r != LINK_E_ILLEGAL)
        connection_worker_gone(c);
}

int on_worker_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct connection *c = context;
    struct link_inbox *inbox = c->monitor->inbox;
    (void)source;
    (void)fd;
    if (watch_flush(&c->worker, events)) {
        connection_worker_gone(c);
        return 0;
    }
    int messages = 0;
    do {
        int r = link_receive(&c->worker.link, c->phase, inbox);
        if (r == LINK_E_AGAIN)
            break;
        receive_one(c, r, inbox);
    } while (may_read_on(c, ++messages));
    link_inbox_wipe(inbox); /* a transcript holds the exchange's secret */
    return 0;
}
