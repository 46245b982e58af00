/*
 * What the spawner says. Input: its link. Output: token processes' links, or why there is none. It was forked from this
 * program before anything was read from anybody, so what it says is believed; it ends, and so does the signer.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "signer/ledger.h"
#include "signer/policy_trust.h"
#include "signer/token.h"

static struct token *token_of_slot(struct signer *s, uint32_t slot)
{
    return slot < SPAWNER_SLOTS ? s->tokens[slot] : NULL;
}

static int on_token_spawned(struct signer *s, const struct msg_token_spawned *message)
{
    struct token *t = token_of_slot(s, message->slot);
    return t ? token_spawned(t, message->pid, link_take_fd(s->inbox, 0)) : 0;
}

static int on_token_unspawned(struct signer *s, const struct msg_token_unspawned *message)
{
    char why[1025];
    struct token *t = token_of_slot(s, message->slot);
    if (!t || t->state != TOKEN_STARTING)
        return 0;
    snprintf(why, sizeof why, "%.*s", (int)message->why.size, (const char *)message->why.data);
    if (message->again)
        token_miss(t, why);
    else
        token_stop(t, message->pin, why);
    return 0;
}

static int on_token_exited(struct signer *s, const struct msg_token_exited *message)
{
    struct token *t = token_of_slot(s, message->slot);
    if (t)
        token_exited(t, message->pid, (int)message->status);
    return 0;
}

/* Also the answer to policy_serial_keep. */
static int on_policy_serials(struct signer *s, const struct msg_policy_serials *message)
{
    char why[1025] = "";
    if (!s->anchors)
        return 0;
    bool was_unusable = s->anchors->unusable[0] != 0;
    int r = policy_trust_remember(s->anchors, message, why, sizeof why);
    if (r == 0 && why[0])
        log_say(&s->log, LOG_LEVEL_ERROR, "policy_serials", "%s", why);
    else if (r == 0 && was_unusable)
        log_say(&s->log, LOG_LEVEL_INFO, "policy_serials",
                "which policies were accepted is written down again");
    return r;
}

static int dispatch(struct signer *s)
{
    const union msg_body *body = &s->inbox->body;
    switch (s->inbox->row->number) {
    case MSG_token_spawned:
        return on_token_spawned(s, &body->token_spawned);
    case MSG_token_unspawned:
        return on_token_unspawned(s, &body->token_unspawned);
    case MSG_token_exited:
        return on_token_exited(s, &body->token_exited);
    case MSG_signature_recorded:
        ledger_answered(s, &body->signature_recorded);
        return 0;
    case MSG_policy_serials:
        return on_policy_serials(s, &body->policy_serials);
    default:
        return -EPROTO;
    }
}

int on_spawner_io(void *context, uint32_t events)
{
    struct signer *s = context;
    int r = (events & EPOLLOUT) ? link_flush(&s->spawner) : 0;
    while (r == 0) {
        r = link_receive(&s->spawner, PHASE_ANY, s->inbox);
        if (r == 0)
            r = dispatch(s);
    }
    if (r != LINK_E_AGAIN) {
        log_say(&s->log, LOG_LEVEL_ERROR, "spawner_lost", "the spawner ended; so does the signer");
        return r < 0 ? r : -EPIPE;
    }
    return signer_settle(s);
}
