/*
 * The first key exchange with a hostile client, up to its NEWKEYS. The input is a list of `octet number ‖ string payload`:
 * messages of the client, handed to the dispatcher; number 0 is the signer's answer instead, with H from the payload.
 * Broken promises that it looks for: READY without a signature or without the client's NEWKEYS, a signature that was not
 * asked for and is used, K that outlives the exchange, a connection that goes on after it was to end.
 */
#include "../unit/worker_transport/rig.h"

#include "worker/kex.h"
#include "worker/newkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static int signer_answers(struct rig *rig, struct sp_span what)
{
    const struct msg_signature answer = {
        .h = sp_span_of(what.data, size_min(what.size, 64)),
        .signature = sp_text("signature"),
        .host_key = sp_text("host key"),
    };
    bool asked = rig->c->transport.kex.step == KEX_SIGNING;
    int r = kex_on_signature(rig->c, &answer);
    require(asked || r != 0);
    return r;
}

static int client_says(struct rig *rig, uint8_t number, struct sp_span what)
{
    if (rig->c->transport.kex.step == KEX_SIGNING) /* the loop handles nothing then */
        return 0;
    sp_put_raw(rig_message(rig), sp_span_of(what.data, size_min(what.size, PACKET_PAYLOAD_MAX - 1)));
    return rig_deliver(rig, number);
}

static void promises_check(const struct rig *rig, bool answered, bool newkeys)
{
    const struct connection *c = rig->c;
    require(c->phase == PHASE_START || (c->phase == PHASE_READY && answered && newkeys));
    require((c->phase == PHASE_READY) == (c->transport.in.keys.cipher != NULL));
    require(c->transport.kex.step < KEX_SWITCHING || answered);
    if (c->transport.kex.step == KEX_SWITCHING)
        for (size_t i = 0; i < sizeof c->transport.kex.secret; i++)
            require(c->transport.kex.secret[i] == 0);
}

static void story_play(struct rig *rig, struct sp_in *in)
{
    bool answered = false, newkeys = false;
    for (int r = 0; r == 0 && in->left != 0;) {
        uint8_t number = sp_get_u8(in);
        struct sp_span what = sp_get_string(in, in->left);
        if (in->bad || rig->c->phase != PHASE_START)
            return;
        r = number == 0 ? signer_answers(rig, what) : client_says(rig, number, what);
        require(r == 0 || r < 0 || rig->c->ending);
        answered |= number == 0 && r == 0;
        newkeys |= number == 21;
        promises_check(rig, answered, newkeys);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_in in = sp_in_of(sp_span_of(data, size));
    struct rig *rig;
    rig_make((void **)&rig);
    rig->c->transport.ident_done = true;
    rig->c->transport.v_c_size = sizeof "SSH-2.0-fuzz" - 1;
    memcpy(rig->c->transport.v_c, "SSH-2.0-fuzz", rig->c->transport.v_c_size);
    require(kexinit_send(rig->c) == 0);
    story_play(rig, &in);
    newkeys_close(&rig->c->transport.in.keys);
    newkeys_close(&rig->c->transport.out.keys);
    newkeys_close(&rig->c->transport.kex.next_in);
    rig_drop((void **)&rig);
    return 0;
}
