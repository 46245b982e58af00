/*
 * Detached signatures of policies: sshsig_dearmour() and sshsig_parse(). Input: with the armour, a file; without, the octets
 * inside. What is parsed without error has to consist of parts of its input, and to be what its fields say.
 */
#include <assert.h>
#include <stdlib.h>

#include <sallyport/wire.h>

#include "policy/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct sp_span inner, struct sp_span outer)
{
    return inner.size == 0 ||
           (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

/* Written again, a signature is the same octets. */
static void check_parsed(const struct sshsig *sig, struct sp_span blob)
{
    static uint8_t room[SSHSIG_BLOB_MAX + 1];
    uint8_t message[SSHSIG_SIGNED_MAX], hash[64] = {0};
    struct sp_out again = {.data = room, .capacity = sizeof room};
    struct sp_out out = {.data = message, .capacity = sizeof message};
    assert(lies_within(sig->public_key, blob) && lies_within(sig->name_space, blob));
    assert(lies_within(sig->reserved, blob) && lies_within(sig->signature, blob));
    assert(sig->name_space.size != 0 && sig->name_space.size <= SSHSIG_NAMESPACE_MAX);
    sp_put_raw(&again, sp_text("SSHSIG"));
    sp_put_u32(&again, 1);
    sp_put_string(&again, sig->public_key);
    sp_put_string(&again, sig->name_space);
    sp_put_string(&again, sig->reserved);
    sp_put_text(&again, sig->hash);
    sp_put_string(&again, sig->signature);
    assert(blob.size >= sizeof room || sp_span_equal(sp_written(&again), blob));
    int r = sshsig_put_signed(sig, sp_span_of(hash, sizeof hash), &out);
    assert(r == 0 && out.size <= SSHSIG_SIGNED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[SSHSIG_BLOB_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    struct sp_span text = sp_span_of(data, size), blob = text;
    struct sshsig sig;
    const char *why = NULL;
    if (sshsig_dearmour(text, &out, &why) == 0)
        blob = sp_written(&out);
    else
        assert(why);
    why = NULL;
    int r = sshsig_parse(blob, &sig, &why);
    assert((r == 0) == (why == NULL));
    if (r == 0)
        check_parsed(&sig, blob);
    return 0;
}
