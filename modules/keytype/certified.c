/*
 * The certificate algorithms: certificates and signatures come from a user's request, or signatures from our own token.
 * Each is its plain algorithm over the key inside; PROTOCOL.certkeys of OpenSSH. A good verdict says that the holder of
 * that key signed. Whether a certificate authority vouches for it is for certificate_verify() and its caller.
 */
#include <sallyport/certificate.h>
#include <sallyport/registry.h>

struct inner {
    uint8_t bytes[SP_KEY_BLOB_MAX];
    struct sp_span blob;
};

/* The key inside, as the plain algorithm takes it. 0 or SP_E_MALFORMED. */
static int inner_open(const char *blob_type, struct sp_span blob, struct inner *inner)
{
    struct sp_certificate certificate;
    struct sp_out out = {.data = inner->bytes, .capacity = sizeof inner->bytes};
    if (certificate_parse(blob, &certificate) != 0 || !sp_span_is(certificate.blob_type, blob_type) ||
        certificate_put_key(&certificate, &out) != 0)
        return SP_E_MALFORMED;
    inner->blob = sp_written(&out);
    return 0;
}

static int certified_inspect(const struct sp_keytype_ops *self, struct sp_span blob, unsigned *bits)
{
    struct inner inner;
    int result = inner_open(self->blob_type, blob, &inner);
    return result != 0 ? result : self->plain->inspect(inner.blob, bits);
}

static enum sp_verdict certified_verify(const struct sp_keytype_ops *self, struct sp_span blob,
                                        struct sp_span signature, struct sp_span message,
                                        struct sp_signature_facts *facts)
{
    struct inner inner;
    if (inner_open(self->blob_type, blob, &inner) != 0)
        return SP_VERDICT_BAD;
    return self->plain->verify(inner.blob, signature, message, facts);
}

static int certified_encode(const struct sp_keytype_ops *self, struct sp_span blob, struct sp_span raw,
                            struct sp_out *signature)
{
    struct inner inner;
    int result = inner_open(self->blob_type, blob, &inner);
    return result != 0 ? result : self->plain->encode(inner.blob, raw, signature);
}

/* An operation of the ABI knows no algorithm but its own, so each has functions of its own to name itself. */
#define CERTIFIED_KEYTYPE(symbol, plain_symbol, name_, blob_type_, digest_)                                  \
    extern const struct sp_keytype_ops keytype_##plain_symbol;                                               \
    extern const struct sp_keytype_ops keytype_##symbol;                                                     \
    static int symbol##_inspect(struct sp_span blob, unsigned *bits)                                         \
    {                                                                                                        \
        return certified_inspect(&keytype_##symbol, blob, bits);                                             \
    }                                                                                                        \
    static enum sp_verdict symbol##_verify(struct sp_span blob, struct sp_span signature,                    \
                                           struct sp_span message, struct sp_signature_facts *facts)         \
    {                                                                                                        \
        return certified_verify(&keytype_##symbol, blob, signature, message, facts);                         \
    }                                                                                                        \
    static int symbol##_encode(struct sp_span blob, struct sp_span raw, struct sp_out *signature)            \
    {                                                                                                        \
        return certified_encode(&keytype_##symbol, blob, raw, signature);                                    \
    }                                                                                                        \
    const struct sp_keytype_ops keytype_##symbol = {                                                         \
        .head = SP_MODULE_HEAD(SP_KIND_KEYTYPE, struct sp_keytype_ops, name_),                               \
        .blob_type = blob_type_,                                                                             \
        .digest = digest_,                                                                                   \
        .plain = &keytype_##plain_symbol,                                                                    \
        .inspect = symbol##_inspect,                                                                         \
        .verify = symbol##_verify,                                                                           \
        .encode = symbol##_encode,                                                                           \
    }

#define CERT(type) type "-cert-v01@openssh.com"

CERTIFIED_KEYTYPE(ssh_ed25519_cert, ssh_ed25519, CERT("ssh-ed25519"), CERT("ssh-ed25519"), NULL);
CERTIFIED_KEYTYPE(ecdsa_sha2_nistp256_cert, ecdsa_sha2_nistp256, CERT("ecdsa-sha2-nistp256"),
                  CERT("ecdsa-sha2-nistp256"), "sha256");
CERTIFIED_KEYTYPE(ecdsa_sha2_nistp384_cert, ecdsa_sha2_nistp384, CERT("ecdsa-sha2-nistp384"),
                  CERT("ecdsa-sha2-nistp384"), "sha384");
CERTIFIED_KEYTYPE(ecdsa_sha2_nistp521_cert, ecdsa_sha2_nistp521, CERT("ecdsa-sha2-nistp521"),
                  CERT("ecdsa-sha2-nistp521"), "sha512");
CERTIFIED_KEYTYPE(rsa_sha2_256_cert, rsa_sha2_256, CERT("rsa-sha2-256"), CERT("ssh-rsa"), "sha256");
CERTIFIED_KEYTYPE(rsa_sha2_512_cert, rsa_sha2_512, CERT("rsa-sha2-512"), CERT("ssh-rsa"), "sha512");
CERTIFIED_KEYTYPE(sk_ssh_ed25519_cert, sk_ssh_ed25519, CERT("sk-ssh-ed25519"), CERT("sk-ssh-ed25519"), NULL);
CERTIFIED_KEYTYPE(sk_ecdsa_sha2_nistp256_cert, sk_ecdsa_sha2_nistp256, CERT("sk-ecdsa-sha2-nistp256"),
                  CERT("sk-ecdsa-sha2-nistp256"), NULL);
CERTIFIED_KEYTYPE(webauthn_sk_ecdsa_sha2_nistp256_cert, webauthn_sk_ecdsa_sha2_nistp256,
                  CERT("webauthn-sk-ecdsa-sha2-nistp256"), CERT("sk-ecdsa-sha2-nistp256"), NULL);

/* The name of an algorithm in a signature blob is a plain one, and ties the key's type down. */
const struct sp_keytype_ops *certificate_algorithm(const struct sp_certificate *certificate)
{
    struct sp_in signature = sp_in_of(certificate->signature), key = sp_in_of(certificate->ca_key);
    const struct sp_keytype_ops *algorithm = keytype_find(sp_get_text(&signature, SP_CERTIFICATE_NAME_MAX));
    struct sp_span type = sp_get_text(&key, SP_CERTIFICATE_NAME_MAX);
    return algorithm && !algorithm->plain && sp_span_is(type, algorithm->blob_type) ? algorithm : NULL;
}

enum sp_verdict certificate_verify(const struct sp_certificate *certificate)
{
    const struct sp_keytype_ops *algorithm = certificate_algorithm(certificate);
    if (!algorithm)
        return SP_VERDICT_BAD;
    return algorithm->verify(certificate->ca_key, certificate->signature, certificate->signed_part, NULL);
}
