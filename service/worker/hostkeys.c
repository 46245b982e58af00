/*
 * Host keys after login. Input: the offer's keys, the client's requests, the monitor's `proofs`. Output: hostkeys-00 and the
 * replies to hostkeys-prove-00. Signatures are made elsewhere, over what the signer has put together; here is only found
 * out whether the question is one that may be asked.
 */
#include "worker/hostkeys.h"

#include <errno.h>

#include "base/wildcard.h"
#include "ipc/offer.h"
#include "worker/connection.h"
#include "worker/packet.h"
#include "worker/ssh_numbers.h"

#define KEY_BLOB_MAX 4096u

/* ---- what is offered --------------------------------------------------------------------------------------------- */

static bool ends_with(struct sp_span text, const char *end)
{
    size_t size = strlen(end);
    return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

/* A blob begins with its type's name. */
static bool is_certificate(struct sp_span blob)
{
    struct sp_in in = sp_in_of(blob);
    return ends_with(sp_get_string(&in, 128), "-cert-v01@openssh.com");
}

/* The next plain key and its position among them. */
static bool next_plain(struct sp_span *keys, struct sp_span *blob)
{
    struct offer_key key;
    while (offer_next_key(keys, &key))
        if (!is_certificate(key.blob)) {
            *blob = key.blob;
            return true;
        }
    return false;
}

static bool position_of(const struct connection *c, struct sp_span wanted, size_t *position)
{
    struct sp_span keys = c->hostkeys.offered, blob;
    for (size_t i = 0; i < HOSTKEYS_MAX && next_plain(&keys, &blob); i++)
        if (sp_span_equal(blob, wanted)) {
            *position = i;
            return true;
        }
    return false;
}

/* Whose makers have told the world: these end the connection, or stop, at a global request that they do not know. */
static bool client_is_confused(const struct connection *c)
{
    static const char *const patterns[] = {
        "SSH-2.0-TTSSH/1.5.*", "SSH-2.0-TTSSH/2.1*",  "SSH-2.0-TTSSH/2.2*", "SSH-2.0-TTSSH/2.3*",
        "SSH-2.0-TTSSH/2.4*",  "SSH-2.0-TTSSH/2.5*",  "SSH-2.0-TTSSH/2.6*", "SSH-2.0-TTSSH/2.70*",
        "SSH-2.0-TTSSH/2.71*", "SSH-2.0-TTSSH/2.72*",
    };
    struct sp_span version = sp_span_of(c->transport.v_c, c->transport.v_c_size);
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
        if (wildcard_matches(version, sp_text(patterns[i])))
            return true;
    return false;
}

int hostkeys_announce(struct connection *c)
{
    struct sp_span keys = c->hostkeys.offered, blob;
    if (!next_plain(&keys, &blob) || client_is_confused(c))
        return 0;
    struct sp_out *out = packet_begin(c, SSH_MSG_GLOBAL_REQUEST);
    sp_put_text(out, "hostkeys-00@openssh.com");
    sp_put_bool(out, false); /* want reply */
    size_t count = 0;
    do
        sp_put_string(out, blob); /* hostkeys */
    while (++count < HOSTKEYS_MAX && next_plain(&keys, &blob));
    return packet_end(c);
}

/* ---- proofs ------------------------------------------------------------------------------------------------------ */

struct wanted {
    uint64_t bits;
    size_t count;
    bool unknown; /* some of it is no key of ours */
};

/* 0, or the end of the connection. */
static int wanted_read(struct connection *c, struct sp_in in, struct wanted *wanted)
{
    size_t position;
    while (in.left != 0) {
        struct sp_span blob = sp_get_string(&in, KEY_BLOB_MAX); /* hostkey */
        if (in.bad)
            return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR,
                                   "Malformed request for proof of host keys");
        if (++wanted->count > HOSTKEYS_MAX)
            return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR,
                                   "Proof of too many host keys was asked for");
        if (!position_of(c, blob, &position)) {
            wanted->unknown = true;
            continue;
        }
        uint64_t bit = UINT64_C(1) << position;
        if ((c->hostkeys.asked | wanted->bits) & bit)
            return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR,
                                   "Proof of the same host key was asked for twice");
        wanted->bits |= bit;
    }
    return 0;
}

void hostkeys_forget_keys(struct hostkeys *h)
{
    free(h->keys);
    h->keys = NULL;
    h->keys_size = 0;
}

static bool keys_keep(struct hostkeys *h, struct sp_span keys)
{
    h->keys = malloc(keys.size);
    if (!h->keys)
        return false;
    memcpy(h->keys, keys.data, keys.size);
    h->keys_size = keys.size;
    return true;
}

int hostkeys_prove(struct connection *c, struct sp_in *in, bool *later)
{
    struct wanted wanted = {0};
    struct sp_span keys = sp_span_of(in->at, in->left);
    int r = wanted_read(c, *in, &wanted);
    if (r || wanted.unknown || wanted.count == 0 || c->hostkeys.waits)
        return r;
    if (!link_is_open(&c->monitor) || !keys_keep(&c->hostkeys, keys))
        return 0;
    if (link_send(&c->monitor, ask_proof, .keys = keys))
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server is going down");
    c->hostkeys.asked |= wanted.bits;
    c->hostkeys.waits = *later = true;
    return 0;
}

static int reply(struct connection *c, bool success, struct sp_span data)
{
    struct sp_out *out = packet_begin(c, success ? SSH_MSG_REQUEST_SUCCESS : SSH_MSG_REQUEST_FAILURE);
    sp_put_raw(out, data);
    return packet_end(c);
}

int hostkeys_on_proofs(struct connection *c, const struct msg_proofs *proofs)
{
    struct hostkeys *h = &c->hostkeys;
    if (!h->waits)
        return -EPROTO;
    h->waits = false;
    hostkeys_forget_keys(h);
    int r = reply(c, proofs->signatures.size != 0, proofs->signatures);
    for (size_t i = 0; r == 0 && i < h->deferred_count; i++)
        r = reply(c, h->deferred[i], (struct sp_span){0});
    h->deferred_count = 0;
    return r;
}

/* A monitor that has asked the signer for us may have gone before it could tell; the signer has forgotten it with it. */
int hostkeys_resume(struct connection *c)
{
    struct hostkeys *h = &c->hostkeys;
    if (!h->waits)
        return 0;
    return link_send(&c->monitor, ask_proof, .keys = sp_span_of(h->keys, h->keys_size))
               ? connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server is going down")
               : 0;
}

int hostkeys_give_up(struct connection *c)
{
    static const struct msg_proofs none;
    return c->hostkeys.waits ? hostkeys_on_proofs(c, &none) : 0;
}

int hostkeys_reply(struct connection *c, bool success)
{
    struct hostkeys *h = &c->hostkeys;
    if (!h->waits)
        return reply(c, success, (struct sp_span){0});
    if (hostkeys_is_behind(c))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Too many global requests");
    h->deferred[h->deferred_count++] = success;
    return 0;
}

bool hostkeys_is_behind(const struct connection *c)
{
    return c->hostkeys.deferred_count >= HOSTKEYS_DEFERRED_MAX;
}
