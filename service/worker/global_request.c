/*
 * Global requests (RFC 4254 section 4). Input: GLOBAL_REQUEST of the client, replies to ours, the main loop's clock. Output:
 * REQUEST_SUCCESS or REQUEST_FAILURE (in hostkeys.c, since some have to wait), and keepalive@openssh.com questions.
 */
#include "worker/global_request.h"

#include <limits.h>

#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

enum request_result {
    REQUEST_REFUSED = 0,
    REQUEST_DONE,
    REQUEST_ANSWERED_LATER,
};

struct request {
    struct sp_in *in; /* behind "want reply" */
    bool want;
    enum request_result result;
};

/* OpenSSH PROTOCOL 2.2. */
static int request_no_more_sessions(struct connection *c, struct request *request)
{
    c->channels.no_more_sessions = true;
    request->result = REQUEST_DONE;
    return 0;
}

static int request_keepalive(struct connection *c, struct request *request)
{
    request->result = REQUEST_DONE;
    return 0;
}

/* OpenSSH PROTOCOL 2.5. Nothing is signed for who does not want to know. */
static int request_hostkeys_prove(struct connection *c, struct request *request)
{
    bool later = false;
    int r = request->want ? hostkeys_prove(c, request->in, &later) : 0;
    if (later)
        request->result = REQUEST_ANSWERED_LATER;
    return r;
}

struct request_row {
    const char *name;
    int (*handle)(struct connection *c, struct request *request);
};

/* What has no row is refused unread, such as forwardings. */
static const struct request_row rows[] = {
    {"no-more-sessions@openssh.com", request_no_more_sessions},
    {"keepalive@openssh.com", request_keepalive},
    {"hostkeys-prove-00@openssh.com", request_hostkeys_prove},
};

static int request_handle(struct connection *c, struct sp_span name, struct request *request)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (sp_span_is(name, rows[i].name))
            return rows[i].handle(c, request);
    return 0;
}

int on_ssh_global_request(struct connection *c, struct sp_in *in)
{
    struct sp_span name = sp_get_string(in, in->left); /* request name */
    bool want = sp_get_bool(in);                       /* want reply */
    if (in->bad)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed global request");
    struct request request = {.in = in, .want = want};
    int r = request_handle(c, name, &request);
    if (r || !want || request.result == REQUEST_ANSWERED_LATER)
        return r;
    return hostkeys_reply(c, request.result == REQUEST_DONE);
}

/* Our only question is whether anybody is there, and any answer says so; one that was not asked for is dropped. */
int on_ssh_request_reply(struct connection *c, struct sp_in *in)
{
    alive_heard(c);
    return 0;
}

/* ---- is the client still there? ------------------------------------------------------------------------------------ */

void alive_heard(struct connection *c)
{
    c->channels.alive_heard = true;
    c->channels.alive_unanswered = 0;
}

static bool alive_is_asked(const struct connection *c)
{
    return c->phase == PHASE_LOGIN && c->auth.limits.alive_interval_s != 0;
}

int alive_wait_ms(const struct connection *c, uint64_t now_ms)
{
    uint64_t due = c->channels.alive_due_ms;
    if (!alive_is_asked(c))
        return -1;
    if (due <= now_ms)
        return 0;
    return due - now_ms < INT_MAX ? (int)(due - now_ms) : INT_MAX;
}

static int alive_ask(struct connection *c)
{
    c->channels.alive_unanswered++;
    struct sp_out *out = packet_begin(c, SSH_MSG_GLOBAL_REQUEST);
    sp_put_text(out, "keepalive@openssh.com");
    sp_put_bool(out, true);
    return packet_end(c);
}

int alive_tick(struct connection *c, uint64_t now_ms)
{
    struct channels *channels = &c->channels;
    if (!alive_is_asked(c) || now_ms < channels->alive_due_ms)
        return 0;
    bool silent = channels->alive_due_ms != 0 && !channels->alive_heard;
    channels->alive_heard = false;
    channels->alive_due_ms = now_ms + (uint64_t)c->auth.limits.alive_interval_s * 1000;
    if (!silent)
        return 0;
    /* ClientAliveCountMax 0: the client may be silent for as long as it likes (sshd_config(5)). */
    if (c->auth.limits.alive_count_max != 0 && channels->alive_unanswered >= c->auth.limits.alive_count_max)
        return connection_fail(c, SSH_DISCONNECT_CONNECTION_LOST, "The client does not answer");
    return alive_ask(c);
}
