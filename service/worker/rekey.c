/*
 * Rekeys (RFC 4253 section 9, RFC 4344 section 3). Input: the counters of both directions, the clock, RekeyLimit of
 * the user and of the policy. Output: KEXINIT of ours, in LOGIN only: no state is carried across an exchange before a login.
 */
#include "worker/rekey.h"

#include <limits.h>

#include "base/loop.h"
#include "worker/connection.h"
#include "worker/frame.h"
#include "worker/kex.h"
#include "worker/setup.h"

/* An exchange in LOGIN that takes longer is not waited for; before it, the monitor's grace time is the limit. */
#define REKEY_PATIENCE_MS 300000u
/*
 * Exchanges that a client may ask for, each of which costs us a signature: so many for nothing, one for each second
 * and one for each 32 KiB that went over the connection.
 */
#define REKEY_PEER_FREE 256u
#define REKEY_PEER_OCTETS 32768u

/* A sixteenth of what the key may do is left for the packets under way. */
static bool direction_is_due(const struct packet_direction *direction, uint64_t configured)
{
    const struct sp_cipher_ops *cipher = direction->keys.cipher;
    uint64_t own = cipher->rekey_octets - cipher->rekey_octets / 16;
    return direction->octets >= own || (configured != 0 && direction->octets >= configured) ||
           direction->packets >= FRAME_PACKETS_MAX / 2;
}

/* The smaller of the user's limit and the policy's, as far as there are such; 0: none. */
static uint64_t tighter(uint64_t configured, uint64_t policy)
{
    if (configured == 0 || policy == 0)
        return configured != 0 ? configured : policy;
    return configured < policy ? configured : policy;
}

static uint64_t time_limit_ms(const struct connection *c)
{
    return tighter(c->auth.limits.rekey_s, c->variant->said.rekey_s) * 1000;
}

static bool is_due(const struct connection *c, uint64_t now_ms)
{
    const struct transport *t = &c->transport;
    uint64_t configured = tighter(c->auth.limits.rekey_octets, c->variant->said.rekey_octets);
    uint64_t limit_ms = time_limit_ms(c);
    return direction_is_due(&t->in, configured) || direction_is_due(&t->out, configured) ||
           (limit_ms != 0 && now_ms - t->keyed_ms >= limit_ms);
}

int rekey_tick(struct connection *c, uint64_t now_ms)
{
    struct transport *t = &c->transport;
    if (c->phase != PHASE_LOGIN)
        return 0;
    if (t->kex.step == KEX_NONE && is_due(c, now_ms)) {
        if (!link_is_open(&c->monitor))
            return connection_fail(
                c, SSH_DISCONNECT_BY_APPLICATION,
                "The server has been stopped, and new keys are due that it alone can sign");
        t->kex.begun_ms = now_ms;
        return kexinit_send(c);
    }
    if (t->kex.step != KEX_NONE && now_ms - t->kex.begun_ms >= REKEY_PATIENCE_MS)
        return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, "new keys were not agreed on in time");
    return 0;
}

int rekey_wait_ms(const struct connection *c, uint64_t now_ms)
{
    const struct transport *t = &c->transport;
    uint64_t limit_ms = t->kex.step != KEX_NONE ? REKEY_PATIENCE_MS : time_limit_ms(c);
    uint64_t since_ms = now_ms - (t->kex.step != KEX_NONE ? t->kex.begun_ms : t->keyed_ms);
    if (c->phase != PHASE_LOGIN || limit_ms == 0)
        return -1;
    uint64_t left_ms = since_ms >= limit_ms ? 0 : limit_ms - since_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

int rekey_count_peer(struct connection *c)
{
    struct transport *t = &c->transport;
    uint64_t now_ms = clock_ms();
    uint64_t allowed =
        REKEY_PEER_FREE + (now_ms - t->started_ms) / 1000 + (t->in.total + t->out.total) / REKEY_PEER_OCTETS;
    t->kex.begun_ms = now_ms;
    if (++t->peer_rekeys > allowed)
        return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, "too many key exchanges");
    return 0;
}
