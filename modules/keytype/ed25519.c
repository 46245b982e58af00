/*
 * ssh-ed25519: blobs and signatures come from a user's request, an authorized_keys file or our token. RFC
 * 8709, RFC 8032.
 */
#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#include "common/owned.h"
#include "keytype/signature.h"

#define NAME "ssh-ed25519"
#define KEY_SIZE 32u
#define SIGNATURE_SIZE 64u

static int ed25519_open(struct sp_span blob, struct sp_span *key)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, 64);
    struct sp_span point = sp_get_string(&in, KEY_SIZE); /* RFC 8709 section 4: key */
    if (sp_get_end(&in) != 0 || !sp_span_is(type, NAME) || point.size != KEY_SIZE)
        return SP_E_MALFORMED;
    *key = point;
    return 0;
}

static int ed25519_inspect(struct sp_span blob, unsigned *bits)
{
    struct sp_span key;
    int result = ed25519_open(blob, &key);
    if (result == 0)
        *bits = 256;
    return result;
}

static enum sp_verdict ed25519_verify(struct sp_span blob, struct sp_span signature, struct sp_span message,
                                      struct sp_signature_facts *facts)
{
    struct sp_span point, raw;
    if (ed25519_open(blob, &point) != 0 || signature_open(signature, NAME, &raw) != 0 ||
        raw.size != SIGNATURE_SIZE)
        return SP_VERDICT_BAD;
    OWNED(EVP_PKEY) *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, point.data, point.size);
    return signature_check(key, NULL, raw, message);
}

static int ed25519_encode(struct sp_span blob, struct sp_span raw, struct sp_out *signature)
{
    struct sp_span point;
    if (ed25519_open(blob, &point) != 0 || raw.size != SIGNATURE_SIZE)
        return SP_E_MALFORMED;
    return signature_put(signature, NAME, raw);
}

static int ed25519_prepare(void)
{
    return public_key_prepare("ED25519", "ED25519");
}

const struct sp_keytype_ops keytype_ssh_ed25519 = {
    .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, NAME),
    .blob_type = NAME,
    .digest = NULL,
    .inspect = ed25519_inspect,
    .verify = ed25519_verify,
    .encode = ed25519_encode,
    .prepare = ed25519_prepare,
};
