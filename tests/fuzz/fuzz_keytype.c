/*
 * Public key blobs and signature blobs as a peer may send them, given to every algorithm. The input is `octet which ‖
 * string blob ‖ string signature ‖ message`; `which` picks the algorithm, and what does not parse as that is a blob as
 * it stands. Besides memory errors it looks for a broken promise: a verdict that is neither good nor bad, a good one for a
 * blob that inspect() refuses, sizes out of range, an encoded signature that does not parse.
 */
#include <stdlib.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void fuzz_encode(const struct sp_keytype_ops *keytype, struct sp_span blob, struct sp_span raw)
{
    uint8_t room[SP_SIGNATURE_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    int result = keytype->encode(blob, raw, &out);
    struct sp_in in = sp_in_of(sp_written(&out));
    struct sp_span name = sp_get_text(&in, 64), inner = sp_get_string(&in, SP_SIGNATURE_MAX);
    if (result == 0)
        require(sp_get_end(&in) == 0 &&
                sp_span_is(name, (keytype->plain ? keytype->plain : keytype)->head.name) && inner.size != 0);
    else
        require(out.size == 0);
}

static void fuzz_one(const struct sp_keytype_ops *keytype, struct sp_span blob, struct sp_span signature,
                     struct sp_span message)
{
    unsigned bits = 0;
    struct sp_signature_facts facts = {0};
    int inspected = keytype->inspect(blob, &bits);
    require(inspected == 0 ? bits >= 256 && bits <= 16384 : bits == 0);
    require(inspected == 0 || inspected == SP_E_MALFORMED || inspected == SP_E_REFUSED);
    enum sp_verdict verdict = keytype->verify(blob, signature, message, &facts);
    require(verdict == SP_VERDICT_BAD || (verdict == SP_VERDICT_GOOD && inspected == 0));
    require(verdict == SP_VERDICT_GOOD ||
            (!facts.by_authenticator && !facts.user_present && !facts.user_verified));
    fuzz_encode(keytype, blob, signature);
    fuzz_encode(keytype, blob, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_in in = sp_in_of(sp_span_of(data, size));
    uint8_t which = sp_get_u8(&in);
    struct sp_span blob = sp_get_string(&in, size), signature = sp_get_string(&in, size);
    struct sp_span message = in.bad ? (struct sp_span){0} : sp_get_raw(&in, in.left);
    if (in.bad)
        blob = signature = sp_span_of(data, size);
    size_t count = 0;
    while (keytype_at(count))
        count++;
    fuzz_one(keytype_at(which % count), blob, signature, message);
    return 0;
}
