/*
 * Transcripts, any octets, as a worker that is its client's by now may send them: the input's first octet chooses what the
 * monitor knows, the rest is the transcript. Besides memory errors: whatever is accepted has been offered, H is what the
 * digest gives, and the same input gives the same answer; whatever is refused is refused with words for both ears.
 */
#include <stdlib.h>

#include <sallyport/wire.h>

#include "base/ident.h"
#include "ipc/codec.h"
#include "signer/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* Two keys, of which the checks never look at more than the name. */
static void keys_put(struct sp_out *out)
{
    uint8_t bytes[128];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    sp_put_text(&blob, "ssh-ed25519");
    sp_put_string(&blob, sp_span_of("0123456789abcdef0123456789abcdef", 32));
    offer_put_key(&(struct offer_key){.algorithms = sp_text("ssh-ed25519"),
                                      .blob = sp_written(&blob),
                                      .valid_before = UINT64_MAX},
                  out);
    offer_put_key(&(struct offer_key){.algorithms = sp_text("rsa-sha2-256,rsa-sha2-512"),
                                      .blob = sp_written(&blob),
                                      .valid_before = UINT64_MAX},
                  out);
}

static void check_result(const struct transcript_context *context, const struct transcript_result *result)
{
    const struct {
        enum kexinit_list list;
        struct sp_span offered;
    } rows[] = {
        {KEXINIT_KEX, context->variant->kex},
        {KEXINIT_HOST_KEY, context->variant->host_key_algorithms},
        {KEXINIT_CIPHER_C2S, context->variant->ciphers},
        {KEXINIT_CIPHER_S2C, context->variant->ciphers},
        {KEXINIT_COMPRESSION_C2S, context->variant->compression},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        require(sp_list_has(rows[i].offered, result->chosen.names[rows[i].list]));
    require(result->h_size == 32 || result->h_size == 48 || result->h_size == 64);
    require(sp_span_is(result->chosen.names[KEXINIT_HOST_KEY], result->keytype->head.name));
}

/* An honest transcript around the input, so that random octets get behind the first comparison. */
static struct sp_span wrap(const struct transcript_context *context, struct sp_span input, uint8_t *room,
                           size_t room_size)
{
    uint8_t own[8192];
    struct sp_out i_s = {.data = own, .capacity = sizeof own}, out = {.data = room, .capacity = room_size};
    static const uint8_t cookie[KEXINIT_COOKIE_SIZE];
    struct sp_in in = sp_in_of(input);
    struct offer_lists lists;
    require(offer_lists_make(context->variant, context->keys, context->address, context->now, &lists) == 0);
    require(kexinit_build(&lists, cookie, context->first, &i_s) == 0);
    struct msg_transcript said = {
        .v_c = sp_text("SSH-2.0-fuzz"), .v_s = sp_text(SALLYPORT_IDENT), .i_s = sp_written(&i_s)};
    said.client_public = sp_get_raw(&in, size_min(in.left, 32));
    said.server_public = said.client_public;
    said.secret = said.client_public;
    said.host_key_algorithm = sp_text("ssh-ed25519");
    said.i_c = sp_span_of(in.at, in.left);
    return message_encode(message_find(MSG_transcript), &said, &out) == 0 ? sp_written(&out) : input;
}

static void check(const struct transcript_context *context, struct sp_span transcript)
{
    struct transcript_result result, again;
    struct transcript_refusal refusal = {0};
    int r = transcript_check(context, transcript, &result, &refusal);
    require(r == 0 || r == TRANSCRIPT_E_REFUSED);
    if (r != 0) {
        require(refusal.reason != 0 && refusal.text[0] != 0 && refusal.why[0] != 0);
        return;
    }
    check_result(context, &result);
    require(transcript_check(context, transcript, &again, &refusal) == 0);
    require(again.h_size == result.h_size && memcmp(again.h, result.h, result.h_size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[65536];
    uint8_t key_bytes[512];
    struct sp_out keys = {.data = key_bytes, .capacity = sizeof key_bytes};
    uint8_t choice = size != 0 ? data[0] : 0;
    struct sp_span rest = sp_span_of(data + (size != 0), size - (size != 0));
    keys_put(&keys);
    const struct policy_rules rules = {.strict_kex = choice & 4, .constant_cipher = choice & 8};
    struct msg_variant variant = {
        .kex = sp_text(
            "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256,mlkem768x25519-sha256,"
            "diffie-hellman-group-exchange-sha256"),
        .host_key_algorithms = sp_text("ssh-ed25519,rsa-sha2-512"),
        .ciphers = sp_text("aes128-gcm@openssh.com,aes128-ctr"),
        .macs = sp_text("hmac-sha2-256"),
        .compression = sp_text("none")};
    struct transcript_context context = {.variant = &variant,
                                         .keys = sp_written(&keys),
                                         .rules = &rules,
                                         .address = "192.0.2.1",
                                         .now = 1000,
                                         .first = choice & 1,
                                         .session_id = sp_span_of(room, choice & 1 ? 0 : 32)};
    if (choice & 2)
        rest = wrap(&context, rest, room, sizeof room);
    check(&context, rest);
    return 0;
}
