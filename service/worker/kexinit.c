/*
 * KEXINIT in both directions and what follows from the two of them. Input: what the client's policy offers it now,
 * and the client's payload. Output: the modules of this exchange in transport.kex. RFC 4253 section 7.1.
 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include <sallyport/registry.h>

#include "base/ident.h"
#include "ipc/negotiate.h"
#include "worker/connection.h"
#include "worker/kex.h"
#include "worker/packet.h"
#include "worker/rekey.h"
#include "worker/setup.h"
#include "worker/ssh_numbers.h"

int kexinit_send(struct connection *c)
{
    struct kex *kex = &c->transport.kex;
    struct sp_out payload = {.data = kex->i_s, .capacity = sizeof kex->i_s};
    int r = variant_kexinit(c->variant, c->remote_address, (int64_t)time(NULL), c->phase == PHASE_START,
                            &payload);
    if (r)
        return r;
    kex->i_s_size = payload.size;
    if (getrandom(kex->i_s + 1, KEXINIT_COOKIE_SIZE, 0) != KEXINIT_COOKIE_SIZE)
        return -EIO;
    sp_put_raw(packet_begin(c, SSH_MSG_KEXINIT), sp_span_of(kex->i_s + 1, kex->i_s_size - 1));
    kex->step = KEX_OFFERED;
    return packet_end(c);
}

/* The signer, which has the policy, finds the same and says why: to the client what is offered, to the log the rest. */
static int no_match(struct connection *c)
{
    struct transport *t = &c->transport;
    t->kex.ops = NULL;
    const struct msg_transcript transcript = {
        .v_c = sp_span_of(t->v_c, t->v_c_size),
        .v_s = sp_text(SALLYPORT_IDENT),
        .i_c = sp_span_of(t->kex.i_c, t->kex.i_c_size),
        .i_s = sp_span_of(t->kex.i_s, t->kex.i_s_size),
    };
    return kex_transcript_send(c, &transcript);
}

static bool direction_choose(struct kex_direction *direction, struct sp_span cipher, struct sp_span mac,
                             struct sp_span compression)
{
    direction->cipher = cipher_find(cipher);
    direction->mac = mac.size != 0 ? mac_find(mac) : NULL;
    direction->compression = compression_find(compression);
    if (!direction->cipher || (!direction->compression && !sp_span_is(compression, "none")))
        return false;
    return direction->cipher->tag_size != 0 ? !direction->mac : direction->mac != NULL;
}

/* The zygote has checked that every offered name is in this build, so a failure here is ours. */
static int modules_choose(struct kex *kex, const struct negotiated *n)
{
    struct sp_span host_key = n->names[KEXINIT_HOST_KEY];
    kex->ops = kex_find(n->names[KEXINIT_KEX]);
    kex->digest = kex->ops ? digest_find(sp_text(kex->ops->info->digest)) : NULL;
    if (!kex->digest || host_key.size >= sizeof kex->host_key_algorithm ||
        !direction_choose(&kex->in, n->names[KEXINIT_CIPHER_C2S], n->names[KEXINIT_MAC_C2S],
                          n->names[KEXINIT_COMPRESSION_C2S]) ||
        !direction_choose(&kex->out, n->names[KEXINIT_CIPHER_S2C], n->names[KEXINIT_MAC_S2C],
                          n->names[KEXINIT_COMPRESSION_S2C]))
        return -ENOTSUP;
    memcpy(kex->host_key_algorithm, host_key.data, host_key.size);
    kex->host_key_algorithm[host_key.size] = 0;
    return 0;
}

static int exchange_agree(struct connection *c)
{
    struct transport *t = &c->transport;
    struct kexinit client, server;
    struct negotiated n;
    enum kexinit_list failed;
    if (kexinit_parse(sp_span_of(t->kex.i_c, t->kex.i_c_size), &client))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed KEXINIT");
    if (kexinit_parse(sp_span_of(t->kex.i_s, t->kex.i_s_size), &server))
        return -EINVAL;
    if (negotiate(&client, &server, &n, &failed))
        return no_match(c);
    int r = modules_choose(&t->kex, &n);
    if (r)
        return r;
    if (c->phase == PHASE_START) {
        t->strict = n.strict;
        t->ext_info = n.ext_info;
    }
    /* In the first exchange, which is before the login, it is agreed on and waits for that. */
    t->kex.in.compresses = t->kex.out.compresses = c->phase == PHASE_LOGIN;
    t->kex.ignore_next = n.ignore_packet;
    t->kex.step = KEX_AGREED;
    return 0;
}

/* The dispatcher lets this through at the beginning and when no exchange of the client's is under way. */
int on_ssh_kexinit(struct connection *c, struct sp_in *in)
{
    struct kex *kex = &c->transport.kex;
    struct sp_span payload = sp_span_of(in->at - 1, in->left + 1);
    if (payload.size > sizeof kex->i_c)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "oversized KEXINIT");
    if (kex->step == KEX_NONE) {
        int r = rekey_count_peer(c);
        if (r == 0)
            r = kexinit_send(c);
        if (r)
            return r;
    }
    memcpy(kex->i_c, payload.data, payload.size);
    kex->i_c_size = payload.size;
    return exchange_agree(c);
}
