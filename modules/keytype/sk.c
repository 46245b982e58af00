/*
 * Keys that live in FIDO authenticators: sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com and its
 * signatures made in a browser, webauthn-sk-ecdsa-sha2-nistp256@openssh.com. Blobs and signatures come from a user's
 * request, an authorized_keys file or a certificate. PROTOCOL.u2f of OpenSSH; W3C WebAuthn level 2 sections 5.8.1 and 6.1.
 *
 * What the authenticator signs: SHA256(application) ‖ flags ‖ counter ‖ extensions ‖ SHA256(what was to be signed).
 */
#include <sallyport/digest.h>
#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#include "common/curve.h"
#include "common/owned.h"
#include "keytype/ecdsa.h"
#include "keytype/signature.h"

#define ED25519 "sk-ssh-ed25519@openssh.com"
#define ECDSA "sk-ecdsa-sha2-nistp256@openssh.com"
#define WEBAUTHN "webauthn-" ECDSA

#define NAME_SIZE 64u
#define APPLICATION_MAX 1024u
#define ORIGIN_MAX 1024u
#define CLIENT_DATA_MAX 8192u
#define EXTENSIONS_MAX 1024u
#define SHA256_SIZE 32u
#define ED25519_KEY_SIZE 32u
#define ED25519_SIGNATURE_SIZE 64u

/* Flags of authenticator data. */
enum {
    FLAG_PRESENT = 0x01,
    FLAG_VERIFIED = 0x04,
    FLAG_ATTESTED = 0x40,   /* credential data follows: never with a signature */
    FLAG_EXTENSIONS = 0x80, /* extensions follow */
};

struct key {
    struct sp_span point;
    struct sp_span application;
};

struct assertion {
    struct sp_span inner; /* the algorithm's own signature */
    uint8_t flags;
    uint32_t counter;
    struct sp_span origin, client_data, extensions; /* webauthn */
};

static int sha256(struct sp_span text, uint8_t digest[SHA256_SIZE])
{
    unsigned size = 0;
    if (EVP_Digest(text.data, text.size, digest, &size, EVP_sha256(), NULL) != 1 || size != SHA256_SIZE)
        return crypto_failed();
    return 0;
}

static int ed25519_open(struct sp_span blob, struct key *key)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, NAME_SIZE);
    struct key read = {.point = sp_get_string(&in, ED25519_KEY_SIZE)}; /* public key */
    read.application = sp_get_text(&in, APPLICATION_MAX);              /* application, user-specified */
    if (sp_get_end(&in) != 0 || !sp_span_is(type, ED25519) || read.point.size != ED25519_KEY_SIZE)
        return SP_E_MALFORMED;
    *key = read;
    return 0;
}

/* 0, SP_E_MALFORMED, SP_E_REFUSED (no point of the curve), or a negative errno. */
static int ecdsa_open(struct sp_span blob, struct key *key)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, NAME_SIZE);
    struct sp_span curve = sp_get_text(&in, NAME_SIZE);               /* curve name */
    struct key read = {.point = sp_get_string(&in, CURVE_POINT_MAX)}; /* Q */
    read.application = sp_get_text(&in, APPLICATION_MAX);
    if (sp_get_end(&in) != 0 || !sp_span_is(type, ECDSA) ||
        !sp_span_is(curve, curve_at(CURVE_P256)->ssh_name))
        return SP_E_MALFORMED;
    int result = curve_check_point(curve_at(CURVE_P256), read.point);
    if (result == 0)
        *key = read;
    return result;
}

static int assertion_open(struct sp_span signature, const char *name, bool webauthn,
                          struct assertion *assertion)
{
    struct sp_in in = sp_in_of(signature);
    struct assertion read = {0};
    struct sp_span algorithm = sp_get_text(&in, NAME_SIZE);
    read.inner = sp_get_string(&in, SP_SIGNATURE_MAX);
    read.flags = sp_get_u8(&in);
    read.counter = sp_get_u32(&in);
    if (webauthn) {
        read.origin = sp_get_text(&in, ORIGIN_MAX);
        read.client_data = sp_get_string(&in, CLIENT_DATA_MAX);
        read.extensions = sp_get_string(&in, EXTENSIONS_MAX);
    }
    if (sp_get_end(&in) != 0 || !sp_span_is(algorithm, name))
        return SP_E_MALFORMED;
    *assertion = read;
    return 0;
}

/* What the authenticator signed for `text`: in FIDO's terms authenticator data and the client data's hash. */
static int signed_put(const struct key *key, const struct assertion *assertion, struct sp_span text,
                      struct sp_out *out)
{
    uint8_t application[SHA256_SIZE], hash[SHA256_SIZE];
    int result = sha256(key->application, application);
    if (result == 0)
        result = sha256(text, hash);
    if (result != 0)
        return result;
    sp_put_raw(out, sp_span_of(application, sizeof application));
    sp_put_u8(out, assertion->flags);
    sp_put_u32(out, assertion->counter);
    sp_put_raw(out, assertion->extensions);
    sp_put_raw(out, sp_span_of(hash, sizeof hash));
    return sp_put_end(out);
}

static void facts_set(const struct assertion *assertion, struct sp_signature_facts *facts)
{
    if (facts)
        *facts = (struct sp_signature_facts){.by_authenticator = true,
                                             .user_present = assertion->flags & FLAG_PRESENT,
                                             .user_verified = assertion->flags & FLAG_VERIFIED,
                                             .counter = assertion->counter};
}

#define SIGNED_MAX (2 * SHA256_SIZE + 5 + EXTENSIONS_MAX)

static int sk_ed25519_inspect(struct sp_span blob, unsigned *bits)
{
    struct key key;
    int result = ed25519_open(blob, &key);
    if (result == 0)
        *bits = 256;
    return result;
}

static enum sp_verdict sk_ed25519_verify(struct sp_span blob, struct sp_span signature,
                                         struct sp_span message, struct sp_signature_facts *facts)
{
    struct key key;
    struct assertion assertion;
    uint8_t bytes[SIGNED_MAX];
    struct sp_out text = {.data = bytes, .capacity = sizeof bytes};
    if (ed25519_open(blob, &key) != 0 || assertion_open(signature, ED25519, false, &assertion) != 0 ||
        assertion.inner.size != ED25519_SIGNATURE_SIZE || signed_put(&key, &assertion, message, &text) != 0)
        return SP_VERDICT_BAD;
    OWNED(EVP_PKEY) *public_key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key.point.data, key.point.size);
    enum sp_verdict verdict = signature_check(public_key, NULL, assertion.inner, sp_written(&text));
    if (verdict == SP_VERDICT_GOOD)
        facts_set(&assertion, facts);
    return verdict;
}

static int sk_ecdsa_inspect(struct sp_span blob, unsigned *bits)
{
    struct key key;
    int result = ecdsa_open(blob, &key);
    if (result == 0)
        *bits = curve_at(CURVE_P256)->bits;
    return result;
}

static enum sp_verdict assertion_check(const struct key *key, const struct assertion *assertion,
                                       struct sp_span text, struct sp_signature_facts *facts)
{
    uint8_t bytes[SIGNED_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    if (signed_put(key, assertion, text, &out) != 0)
        return SP_VERDICT_BAD;
    enum sp_verdict verdict =
        ecdsa_check(curve_at(CURVE_P256), key->point, assertion->inner, "SHA256", sp_written(&out));
    if (verdict == SP_VERDICT_GOOD)
        facts_set(assertion, facts);
    return verdict;
}

static enum sp_verdict sk_ecdsa_verify(struct sp_span blob, struct sp_span signature, struct sp_span message,
                                       struct sp_signature_facts *facts)
{
    struct key key;
    struct assertion assertion;
    if (ecdsa_open(blob, &key) != 0 || assertion_open(signature, ECDSA, false, &assertion) != 0)
        return SP_VERDICT_BAD;
    return assertion_check(&key, &assertion, message, facts);
}

/* Takes `text` off the front of *rest, if it is there. */
static bool take(struct sp_span *rest, struct sp_span text)
{
    if (rest->size < text.size || !sp_span_equal(sp_span_of(rest->data, text.size), text))
        return false;
    rest->data += text.size;
    rest->size -= text.size;
    return true;
}

/* Takes the base64url form (RFC 4648 section 5, without padding) of `bytes` off the front of *rest. */
static bool take_base64url(struct sp_span *rest, struct sp_span bytes)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t have = bytes.size - at < 3 ? bytes.size - at : 3;
        uint32_t bits = 0;
        char group[4];
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < have ? bytes.data[at + i] : 0u);
        for (size_t i = 0; i < 4; i++)
            group[i] = alphabet[bits >> (18 - 6 * i) & 0x3f];
        if (!take(rest, sp_span_of(group, have + 1)))
            return false;
    }
    return true;
}

/*
 * The client data that a browser makes has these members first, in this order and without blanks (WebAuthn section
 * 5.8.1.1 fixes that, so that nobody has to parse JSON here); what follows the origin says nothing that matters.
 */
static bool is_about(struct sp_span client_data, struct sp_span message, struct sp_span origin)
{
    return (origin.size == 0 || !memchr(origin.data, '"', origin.size)) &&
           take(&client_data, sp_text("{\"type\":\"webauthn.get\",\"challenge\":\"")) &&
           take_base64url(&client_data, message) && take(&client_data, sp_text("\",\"origin\":\"")) &&
           take(&client_data, origin) && take(&client_data, sp_text("\""));
}

static enum sp_verdict webauthn_verify(struct sp_span blob, struct sp_span signature, struct sp_span message,
                                       struct sp_signature_facts *facts)
{
    struct key key;
    struct assertion assertion;
    if (ecdsa_open(blob, &key) != 0 || assertion_open(signature, WEBAUTHN, true, &assertion) != 0 ||
        (assertion.flags & FLAG_ATTESTED) ||
        !(assertion.flags & FLAG_EXTENSIONS) != (assertion.extensions.size == 0) ||
        !is_about(assertion.client_data, message, assertion.origin))
        return SP_VERDICT_BAD;
    return assertion_check(&key, &assertion, assertion.client_data, facts);
}

/* Authenticators belong to users: no token of ours signs with one. */
static int sk_encode(struct sp_span blob, struct sp_span raw, struct sp_out *signature)
{
    return SP_E_MALFORMED;
}

static int sk_ed25519_prepare(void)
{
    return public_key_prepare("ED25519", "ED25519");
}

static int sk_ecdsa_prepare(void)
{
    int result = curve_build(curve_at(CURVE_P256));
    return result != 0 ? result : public_key_prepare("EC", "ECDSA");
}

const struct sp_keytype_ops keytype_sk_ssh_ed25519 = {
    .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, ED25519),
    .blob_type = ED25519,
    .inspect = sk_ed25519_inspect,
    .verify = sk_ed25519_verify,
    .encode = sk_encode,
    .prepare = sk_ed25519_prepare,
};

const struct sp_keytype_ops keytype_sk_ecdsa_sha2_nistp256 = {
    .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, ECDSA),
    .blob_type = ECDSA,
    .inspect = sk_ecdsa_inspect,
    .verify = sk_ecdsa_verify,
    .encode = sk_encode,
    .prepare = sk_ecdsa_prepare,
};

const struct sp_keytype_ops keytype_webauthn_sk_ecdsa_sha2_nistp256 = {
    .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, WEBAUTHN),
    .blob_type = ECDSA,
    .inspect = sk_ecdsa_inspect,
    .verify = webauthn_verify,
    .encode = sk_encode,
    .prepare = sk_ecdsa_prepare,
};
