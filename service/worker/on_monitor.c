/*
 * Messages of the monitor. Input: c->monitor, checked by the link against messages.def. Output: calls into the key
 * exchange and authentication, or the end.
 */
#include "worker/on_monitor.h"

#include <errno.h>

#include "base/loop.h"
#include "worker/connection.h"
#include "worker/kex.h"

static int on_signature(struct connection *c, struct link_inbox *inbox)
{
    return kex_on_signature(c, &inbox->body.signature);
}

/* Once: the user was named once. */
static int on_login_link(struct connection *c, struct link_inbox *inbox)
{
    if (link_is_open(&c->session))
        return -EPROTO;
    return auth_link_arrived(c, link_take_fd(inbox, 0));
}

static int on_proofs(struct connection *c, struct link_inbox *inbox)
{
    return hostkeys_on_proofs(c, &inbox->body.proofs);
}

static int on_proxied_policy(struct connection *c, struct link_inbox *inbox)
{
    return proxy_on_policy(c, &inbox->body.proxied_policy);
}

static uint32_t channels_count(const struct channels *channels)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < channels->most; i++)
        count += channels->table[i].used ? 1u : 0u;
    return count;
}

/* Asked as often as somebody looks, at most once in a second (messages.def); costs one message. */
static int on_ask_report(struct connection *c, struct link_inbox *inbox)
{
    const struct transport *t = &c->transport;
    uint64_t heard_ms = c->channels.heard_ms != 0 ? c->channels.heard_ms : t->started_ms;
    return link_send(&c->monitor, report, .octets_in = t->in.total, .octets_out = t->out.total,
                     .rekeys = t->rekeys, .channels = channels_count(&c->channels),
                     .idle_ms = clock_ms() - heard_ms)
               ? on_monitor_lost(c)
               : 0;
}

/* The monitor's reasons are those of RFC 4250 section 4.2.2; it alone may use all of them. */
static int on_end(struct connection *c, struct link_inbox *inbox)
{
    struct sp_span text = inbox->body.end.text;
    return connection_fail(c, (enum ssh_disconnect)inbox->body.end.reason, "%.*s", (int)text.size,
                           (const char *)text.data);
}

/*
 * Another monitor is there. What it may not have heard is asked again, behind the word that says so; what the one before had
 * answered came ahead of this message.
 */
static int on_resume(struct connection *c, struct link_inbox *inbox)
{
    if (link_send(&c->monitor, resumed, .ticket = inbox->body.resume.ticket))
        return on_monitor_lost(c);
    int r = kex_resume(c);
    return r ? r : hostkeys_resume(c);
}

static const struct {
    enum msg_number number;
    int (*handler)(struct connection *c, struct link_inbox *inbox);
} handlers[] = {
    {MSG_signature, on_signature},
    {MSG_login_link, on_login_link},
    {MSG_proofs, on_proofs},
    {MSG_ask_report, on_ask_report},
    {MSG_proxied_policy, on_proxied_policy},
    {MSG_resume, on_resume},
    {MSG_end, on_end},
};

static int handle(struct connection *c)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
        if (handlers[i].number == c->inbox->row->number)
            return handlers[i].handler(c, c->inbox);
    return -EPROTO;
}

/*
 * Nothing is gained by it: what only the monitor can give (another signature, a proof) is not to be had any more, the login
 * process and what it has started are what they were, and there is no phase behind this one.
 */
int on_monitor_lost(struct connection *c)
{
    link_close(&c->monitor);
    if (c->phase != PHASE_LOGIN || c->transport.kex.step == KEX_SIGNING)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server is going down");
    return hostkeys_give_up(c);
}

int on_monitor_message(struct connection *c)
{
    for (;;) {
        int r = link_receive(&c->monitor, c->phase, c->inbox);
        if (r == LINK_E_AGAIN)
            return 0;
        if (r == LINK_E_CLOSED)
            return on_monitor_lost(c);
        if (r == LINK_E_ILLEGAL)
            return -EPROTO;
        if (r)
            return r;
        r = handle(c);
        if (r || !link_is_open(&c->monitor)) /* it may have gone before it heard the answer */
            return r;
    }
}
