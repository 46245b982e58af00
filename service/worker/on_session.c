/*
 * Messages of the login process, dispatched. Input: c->session. Output: auth_on_answer() and channel_on_answer().
 *
 * The link has checked sender, phase and form of each message. The login process is trusted more than the client, but
 * what contradicts our own record of what was asked ends the connection.
 */
#include "worker/on_session.h"

#include "ipc/messages.h"
#include "worker/connection.h"

/* A turn is bounded, so that a busy login process does not keep the client waiting. */
#define MESSAGES_PER_TURN 32
/* More than this queued to a login process that does not read: the client has to wait. */
#define SESSION_QUEUE_MARK (256u * 1024u)

static bool is_auth(unsigned number)
{
    return number >= MSG_auth_failure && number <= MSG_auth_over;
}

static int session_lost(struct connection *c, int r)
{
    if (r == LINK_E_ILLEGAL)
        log_say(&c->log, LOG_LEVEL_ERROR, "session_broken", "%s", link_complaint(&c->session));
    link_close(&c->session);
    return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION,
                           r == LINK_E_CLOSED ? "The login process has ended" : "Internal error");
}

int session_told(struct connection *c, int r)
{
    /* Its last words may still be there to be read, and say more than that it is gone. */
    if (r == LINK_E_CLOSED && link_is_open(&c->session))
        return 0;
    return r ? session_lost(c, r) : 0;
}

int on_session_message(struct connection *c)
{
    for (int i = 0; i < MESSAGES_PER_TURN && link_is_open(&c->session); i++) {
        int r = link_receive(&c->session, c->phase, c->inbox);
        if (r == LINK_E_AGAIN)
            return 0;
        if (r)
            return session_lost(c, r);
        unsigned number = c->inbox->row->number;
        r = is_auth(number) ? auth_on_answer(c, number, &c->inbox->body)
                            : channel_on_answer(c, number, &c->inbox->body);
        link_inbox_wipe(c->inbox);
        if (r)
            return r;
    }
    return 0;
}

bool session_is_behind(const struct connection *c)
{
    return c->auth.state == AUTH_OPENING || c->auth.state == AUTH_ASKED ||
           c->channels.replies_due >= CHANNEL_REQUESTS_MAX || c->session.queued_octets > SESSION_QUEUE_MARK;
}
