/*
 * KEXINIT in both directions and what follows from the two of them. Input: the payload that the zygote prepared, and
 * the client's. Output: the modules of this exchange in transport.kex. RFC 4253 section 7.1.
 */
#include <errno.h>
#include <sys/random.h>

#include <sallyport/registry.h>

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
    struct sp_span payload = c->phase == PHASE_START ? c->setup->kexinit_first : c->setup->kexinit_later;
    memcpy(kex->i_s, payload.data, payload.size);
    kex->i_s_size = payload.size;
    if (getrandom(kex->i_s + 1, KEXINIT_COOKIE_SIZE, 0) != KEXINIT_COOKIE_SIZE)
        return -EIO;
    sp_put_raw(packet_begin(c, SSH_MSG_KEXINIT), sp_span_of(kex->i_s + 1, kex->i_s_size - 1));
    kex->step = KEX_OFFERED;
    return packet_end(c);
}

/* What the client would have had, so that the administrator can say what to change. */
static int no_match(struct connection *c, const struct kexinit *client, enum kexinit_list failed)
{
    struct log_field fields[] = {
        {.key = "list", .value = sp_text(kexinit_list_name(failed))},
        {.key = "client_offers", .value = client->lists[failed]},
        {.key = "client_version", .value = sp_span_of(c->transport.v_c, c->transport.v_c_size)},
    };
    log_event(&c->log, LOG_LEVEL_INFO, "not_negotiated", fields, ARRAY_SIZE(fields), "no matching %s found",
              kexinit_list_name(failed));
    return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED, "no matching %s found",
                           kexinit_list_name(failed));
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
        return no_match(c, &client, failed);
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
