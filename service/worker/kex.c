/*
 * The key exchange after both KEXINITs. Input: the client's request for a group, if the method wants one, and its public
 * value, then the signer's answer. Output: the group, the transcript for the signer, our reply, new keys in both
 * directions. RFC 4253 sections 7.2, 7.3 and 8; RFC 4419 section 3; OpenSSH PROTOCOL section 1.10 for strict key exchange.
 */
#include "worker/kex.h"

#include <errno.h>

#include "base/ident.h"
#include "base/loop.h"
#include "worker/connection.h"
#include "worker/newkeys.h"
#include "worker/packet.h"
#include "worker/packet_out.h"
#include "worker/ssh_numbers.h"
#include "worker/transport_messages.h"
#include "worker/variant.h"

/* Room for the encoding of K: a length, a sign octet, the value. */
#define SECRET_ENCODED_MAX (SP_KEX_SECRET_MAX + 5u)

static struct sp_span public_get(enum sp_kex_field field, struct sp_in *in)
{
    return field == SP_KEX_MPINT ? sp_get_mpint(in, SP_KEX_PUBLIC_MAX) : sp_get_string(in, SP_KEX_PUBLIC_MAX);
}

static void value_put(enum sp_kex_field field, struct sp_out *out, struct sp_span value)
{
    if (field == SP_KEX_MPINT)
        sp_put_mpint(out, value);
    else
        sp_put_string(out, value);
}

/* The magnitude of an mpint is stated without the zeros that its module may leave in front. */
static struct sp_span magnitude(enum sp_kex_field field, struct sp_span value)
{
    while (field == SP_KEX_MPINT && value.size != 0 && value.data[0] == 0) {
        value.data++;
        value.size--;
    }
    return value;
}

void kex_forget_asked(struct kex *kex)
{
    if (kex->asked.data)
        explicit_bzero(kex->asked.data, kex->asked.size);
    free(kex->asked.data);
    kex->asked = (struct sp_out){0};
}

/* A rekey's transcript stays here until it is answered: who took it may be gone by then (kex_resume()). A first exchange is
 * not asked for twice. */
static void asked_keep(struct connection *c, struct sp_out *out)
{
    struct kex *kex = &c->transport.kex;
    kex_forget_asked(kex);
    kex->asked = *out;
    if (c->phase != PHASE_LOGIN)
        kex_forget_asked(kex);
}

int kex_transcript_send(struct connection *c, const struct msg_transcript *transcript)
{
    struct kex *kex = &c->transport.kex;
    size_t most = kex->i_c_size + kex->i_s_size + SP_KEX_PUBLIC_MAX * 2 + SP_KEX_SECRET_MAX + 4096;
    struct sp_out out = {.data = malloc(most), .capacity = most};
    if (!out.data)
        return -ENOMEM;
    int r = message_encode(message_find(MSG_transcript), transcript, &out);
    if (r == 0)
        r = link_send(&c->monitor, ask_signature, .transcript = sp_written(&out));
    asked_keep(c, &out);
    if (r)
        return r < 0 ? r : connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server cannot sign now");
    kex->step = KEX_SIGNING;
    return 0;
}

int kex_resume(struct connection *c)
{
    struct kex *kex = &c->transport.kex;
    if (kex->step != KEX_SIGNING || kex->asked.size == 0)
        return 0;
    int r = link_send(&c->monitor, ask_signature, .transcript = sp_written(&kex->asked));
    return r ? connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server cannot sign now") : 0;
}

/* Everything that the signer needs to compute H for itself: it believes no hash of ours. */
static int signature_ask(struct connection *c, struct sp_span client_public)
{
    struct transport *t = &c->transport;
    struct kex *kex = &t->kex;
    const struct sp_kex_info *info = kex->ops->info;
    const struct msg_transcript transcript = {
        .v_c = sp_span_of(t->v_c, t->v_c_size),
        .v_s = sp_text(SALLYPORT_IDENT),
        .i_c = sp_span_of(kex->i_c, kex->i_c_size),
        .i_s = sp_span_of(kex->i_s, kex->i_s_size),
        .host_key_algorithm = sp_text(kex->host_key_algorithm),
        .group = sp_span_of(kex->group, kex->group_size),
        .client_public = client_public,
        .server_public =
            magnitude(info->public_field, sp_span_of(kex->server_public, kex->server_public_size)),
        .secret = magnitude(info->secret_field, sp_span_of(kex->secret, kex->secret_size)),
    };
    return kex_transcript_send(c, &transcript);
}

static int public_refused(struct connection *c, int r)
{
    if (r < 0)
        return r;
    return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED,
                           "the client's public value is not acceptable");
}

static int public_answer(struct connection *c, struct sp_in *in)
{
    struct kex *kex = &c->transport.kex;
    struct sp_span client_public = public_get(kex->ops->info->public_field, in);
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed key exchange message");

    struct sp_out server_public = {.data = kex->server_public, .capacity = sizeof kex->server_public};
    struct sp_out secret = {.data = kex->secret, .capacity = sizeof kex->secret};
    int r = kex->ops->respond(kex->ops, sp_span_of(kex->group, kex->group_size), client_public,
                              &server_public, &secret);
    if (r)
        return public_refused(c, r);
    kex->server_public_size = server_public.size;
    kex->secret_size = secret.size;
    return signature_ask(c, client_public);
}

static bool negotiates_group(const struct kex *kex)
{
    return kex->ops && kex->ops->choose_group;
}

static int out_of_order(struct connection *c)
{
    return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "a key exchange message out of order");
}

int on_ssh_kex_init(struct connection *c, struct sp_in *in)
{
    struct kex *kex = &c->transport.kex;
    if (kex->step != KEX_AGREED || kex->ignore_next)
        return out_of_order(c);
    if (negotiates_group(kex)) /* RFC 4419 section 5: the same number, and a size without its bounds */
        return connection_fail(
            c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED,
            "group requests of the old form (message 30) are not served, only those of RFC 4419 "
            "with a minimum and a maximum");
    kex->group_size = 0;
    return public_answer(c, in);
}

int on_ssh_kex_gex_init(struct connection *c, struct sp_in *in)
{
    return c->transport.kex.step == KEX_GROUPED ? public_answer(c, in) : out_of_order(c);
}

static int group_refused(struct connection *c, const struct sp_kex_sizes *sizes, unsigned bits_min, int r)
{
    if (r < 0)
        return r;
    if (r == SP_E_MALFORMED)
        return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED,
                               "a group of %u bits cannot be between %u and %u", sizes->preferred, sizes->min,
                               sizes->max);
    return connection_fail(c, SSH_DISCONNECT_KEY_EXCHANGE_FAILED,
                           "no group of %u to %u bits: this server's have at least %u", sizes->min,
                           sizes->max, bits_min);
}

int on_ssh_kex_gex_request(struct connection *c, struct sp_in *in)
{
    struct kex *kex = &c->transport.kex;
    if (kex->step != KEX_AGREED || kex->ignore_next || !negotiates_group(kex))
        return out_of_order(c);
    uint32_t wanted = c->variant->said.dh_bits_min;
    const unsigned bits_min = wanted > SP_KEX_GROUP_BITS_MIN ? wanted : SP_KEX_GROUP_BITS_MIN;
    struct sp_kex_sizes sizes;
    sizes.min = sp_get_u32(in);
    sizes.preferred = sp_get_u32(in);
    sizes.max = sp_get_u32(in);
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed request for a group");

    struct sp_out group = {.data = kex->group, .capacity = sizeof kex->group};
    int r = kex->ops->choose_group(kex->ops, &sizes, bits_min, &group);
    if (r)
        return group_refused(c, &sizes, bits_min, r);
    kex->group_size = group.size;
    kex->step = KEX_GROUPED;
    sp_put_raw(packet_begin(c, SSH_MSG_KEX_GEX_GROUP),
               sp_span_of(group.data + SP_KEX_SIZES_SIZE, group.size - SP_KEX_SIZES_SIZE));
    return packet_end(c);
}

static int reply_send(struct connection *c, const struct msg_signature *signature)
{
    struct kex *kex = &c->transport.kex;
    struct sp_out *out = packet_begin(c, negotiates_group(kex) ? SSH_MSG_KEX_GEX_REPLY : SSH_MSG_KEX_REPLY);
    sp_put_string(out, signature->host_key);
    value_put(kex->ops->info->public_field, out, sp_span_of(kex->server_public, kex->server_public_size));
    sp_put_string(out, signature->signature);
    int r = packet_end(c);
    if (r)
        return r;
    packet_begin(c, SSH_MSG_NEWKEYS);
    return packet_end(c);
}

/* Makes the keys of both directions, and forgets K at once. */
static int keys_make(struct connection *c, struct sp_span h, struct packet_keys *out_keys)
{
    struct transport *t = &c->transport;
    struct kex *kex = &t->kex;
    uint8_t encoded[SECRET_ENCODED_MAX];
    struct sp_out k = {.data = encoded, .capacity = sizeof encoded};
    value_put(kex->ops->info->secret_field, &k, sp_span_of(kex->secret, kex->secret_size));
    explicit_bzero(kex->secret, kex->secret_size);
    kex->secret_size = 0;
    const struct newkeys_source source = {
        .digest = kex->digest,
        .k = sp_written(&k),
        .h = h,
        .session_id = sp_span_of(t->session_id, t->session_id_size),
    };
    int r = sp_put_end(&k) ? -EINVAL : newkeys_open(&source, &kex->in, false, "ACE", &kex->next_in);
    if (r == 0)
        r = newkeys_open(&source, &kex->out, true, "BDF", out_keys);
    explicit_bzero(encoded, sizeof encoded);
    return r;
}

/* H comes from the monitor, whose first one is the session id; a wrong one would give keys that the client has not. */
static int session_id_fix(struct transport *t, struct sp_span h)
{
    if (h.size != t->kex.digest->size || h.size > sizeof t->session_id)
        return -EPROTO;
    if (t->session_id_size == 0) {
        memcpy(t->session_id, h.data, h.size);
        t->session_id_size = h.size;
    }
    return 0;
}

int kex_on_signature(struct connection *c, const struct msg_signature *signature)
{
    struct transport *t = &c->transport;
    struct packet_keys out_keys = {0};
    if (t->kex.step != KEX_SIGNING || !t->kex.ops) /* without a method a refusal was asked for */
        return -EPROTO;
    kex_forget_asked(&t->kex);
    int r = session_id_fix(t, signature->h);
    if (r == 0)
        r = reply_send(c, signature);
    if (r == 0)
        r = keys_make(c, signature->h, &out_keys);
    if (r)
        return r;
    newkeys_use(&t->out, &out_keys, t->strict);
    t->kex.step = KEX_SWITCHING;
    r = c->phase == PHASE_START ? ext_info_send(c) : 0;
    return r ? r : packet_send_kept(c);
}

int on_ssh_newkeys(struct connection *c, struct sp_in *in)
{
    struct transport *t = &c->transport;
    if (t->kex.step != KEX_SWITCHING)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "NEWKEYS out of order");
    if (sp_get_end(in))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "malformed NEWKEYS");
    newkeys_use(&t->in, &t->kex.next_in, t->strict);
    t->kex.step = KEX_NONE;
    t->keyed_ms = clock_ms();
    if (c->phase == PHASE_START)
        connection_move(c, PHASE_READY);
    else
        t->rekeys++;
    return 0;
}
