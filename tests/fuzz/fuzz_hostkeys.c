/*
 * Requests for proofs of host keys and other global requests, between a hostile client and a monitor that answers when it
 * likes. The input is a list of `octet step ‖ string what`. Looked for: a key asked of the monitor that was not announced,
 * or twice; two questions at once; replies that nobody wanted, or out of order; a queue over its bound.
 */
#include "../unit/worker_channel/fake.h"

#include <stdlib.h>

#include "ipc/offer.h"
#include "worker/hostkeys.h"
#include "worker/ssh_numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS 3u
#define WANTED_MAX 4096u

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* What the client has coming, in order: the proofs are told apart from other successes by what is in them. */
enum reply { REPLY_PROOFS, REPLY_SUCCESS, REPLY_FAILURE };

struct story {
    struct fake *fake;
    uint8_t blobs[KEYS][16];
    size_t sizes[KEYS];
    unsigned asked[KEYS]; /* how often the monitor was asked for it */
    bool waits;           /* for the monitor */
    enum reply wanted[WANTED_MAX];
    size_t wanted_count, had;
};

static void story_begin(struct story *s, struct sp_out *offer)
{
    for (size_t i = 0; i < KEYS; i++) {
        struct sp_out blob = {.data = s->blobs[i], .capacity = sizeof s->blobs[i]};
        sp_put_text(&blob, "type");
        sp_put_u8(&blob, (uint8_t)i);
        s->sizes[i] = blob.size;
        offer_put_key(&(struct offer_key){.algorithms = sp_text(i ? "a" : ""),
                                          .blob = sp_written(&blob),
                                          .valid_before = UINT64_MAX},
                      offer);
    }
    s->fake = fake_new();
    fake_log_in(s->fake, 1);
    s->fake->c->hostkeys.offered = sp_written(offer);
}

/* Every key that arrives at the monitor is one of ours, and comes for the first time. */
static void monitor_is_asked(struct story *s)
{
    int r = link_receive(&s->fake->monitor, PHASE_LOGIN, s->fake->inbox);
    require(r == 0 || r == LINK_E_AGAIN);
    require((r == 0) == (s->fake->c->hostkeys.waits && !s->waits));
    if (r)
        return;
    require(s->fake->inbox->row->number == MSG_ask_proof);
    struct sp_in keys = sp_in_of(s->fake->inbox->body.ask_proof.keys);
    require(keys.left != 0);
    while (keys.left != 0) {
        struct sp_span blob = sp_get_string(&keys, keys.left);
        size_t i = 0;
        while (i < KEYS && !sp_span_equal(blob, sp_span_of(s->blobs[i], s->sizes[i])))
            i++;
        require(!keys.bad && i < KEYS && ++s->asked[i] == 1);
    }
    s->waits = true;
}

static void expect(struct story *s, enum reply reply)
{
    if (s->wanted_count < WANTED_MAX)
        s->wanted[s->wanted_count++] = reply;
}

static int client_wants(struct story *s, struct sp_in *in, bool want)
{
    struct sp_out *out = fake_message(s->fake);
    sp_put_text(out, "hostkeys-prove-00@openssh.com");
    sp_put_bool(out, want);
    while (in->left != 0) {
        uint8_t which = sp_get_u8(in);
        if (which < KEYS)
            sp_put_string(out, sp_span_of(s->blobs[which], s->sizes[which]));
        else if (which < 0x80)
            sp_put_string(out, sp_get_raw(in, size_min(in->left, which)));
        else
            sp_put_u8(out, which);
    }
    int r = fake_deliver(s->fake, SSH_MSG_GLOBAL_REQUEST);
    bool before = s->waits;
    if (r == 0)
        monitor_is_asked(s);
    if (r == 0 && want)
        expect(s, s->waits && !before ? REPLY_PROOFS : REPLY_FAILURE);
    return r;
}

static int client_asks(struct story *s, struct sp_in *in)
{
    return client_wants(s, in, true);
}

static int client_does_not_care(struct story *s, struct sp_in *in)
{
    return client_wants(s, in, false);
}

static int client_says(struct story *s, struct sp_in *in)
{
    struct sp_out *out = fake_message(s->fake);
    bool alive = sp_get_bool(in);
    sp_put_text(out, alive ? "keepalive@openssh.com" : "unknown");
    sp_put_bool(out, true);
    int r = fake_deliver(s->fake, SSH_MSG_GLOBAL_REQUEST);
    if (r == 0)
        expect(s, alive ? REPLY_SUCCESS : REPLY_FAILURE);
    return r;
}

static int client_raw(struct story *s, struct sp_in *in)
{
    struct sp_out *out = fake_message(s->fake);
    sp_put_text(out, "hostkeys-prove-00@openssh.com");
    sp_put_bool(out, false);
    sp_put_raw(out, sp_get_raw(in, in->left));
    return fake_deliver(s->fake, SSH_MSG_GLOBAL_REQUEST);
}

static int monitor_answers(struct story *s, struct sp_in *in)
{
    bool good = sp_get_bool(in);
    int r = hostkeys_on_proofs(s->fake->c,
                               &(const struct msg_proofs){.signatures = sp_text(good ? "proofs" : "")});
    require((r == 0) == s->waits);
    for (size_t i = s->had; s->waits && !good && i < s->wanted_count; i++)
        if (s->wanted[i] == REPLY_PROOFS)
            s->wanted[i] = REPLY_FAILURE;
    s->waits = false;
    return 0;
}

static int (*const steps[])(struct story *s, struct sp_in *in) = {
    client_asks, client_does_not_care, client_says, client_raw, monitor_answers,
};

static void check(struct story *s)
{
    struct fake *f = s->fake;
    require(f->c->hostkeys.deferred_count <= HOSTKEYS_DEFERRED_MAX);
    for (; f->frame_next < f->frame_count && s->wanted_count < WANTED_MAX; f->frame_next++) {
        const struct frame *frame = &f->frames[f->frame_next];
        require(s->had < s->wanted_count);
        enum reply reply = s->wanted[s->had++];
        require(frame->number ==
                (reply == REPLY_FAILURE ? SSH_MSG_REQUEST_FAILURE : SSH_MSG_REQUEST_SUCCESS));
        require((frame->size != 0) == (reply == REPLY_PROOFS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_in in = sp_in_of(sp_span_of(data, size));
    uint8_t bytes[256];
    struct sp_out offer = {.data = bytes, .capacity = sizeof bytes};
    static struct story story;
    int r = 0;
    story = (struct story){.waits = false};
    story_begin(&story, &offer);
    while (in.left != 0 && r == 0) {
        uint8_t what = sp_get_u8(&in) % ARRAY_SIZE(steps);
        struct sp_in of_step = sp_in_of(sp_get_string(&in, PACKET_PAYLOAD_MAX - 64));
        if (in.bad)
            break;
        if (what < 4 && hostkeys_is_behind(story.fake->c)) /* the loop waits */
            continue;
        r = steps[what](&story, &of_step);
        require(r == 0 || r == WORKER_E_END);
        if (r == 0)
            check(&story);
    }
    fake_free(story.fake);
    return 0;
}
