/*
 * Public key algorithms: one ops struct per signature algorithm name ("rsa-sha2-256" and "rsa-sha2-512" are two,
 * over the same "ssh-rsa" blob). RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC 8709; PROTOCOL.u2f and
 * PROTOCOL.certkeys of OpenSSH.
 */
#pragma once

#include <sallyport/module.h>

#define SP_KEY_BLOB_MAX 4096u  /* octets of a public key blob: RSA 16384 needs 2 KiB and some */
#define SP_SIGNATURE_MAX 4096u /* octets of a signature blob */

/* What a good signature says about how it was made. Zero for keys that are not in a FIDO authenticator. */
struct sp_signature_facts {
    bool by_authenticator;
    bool user_present;  /* somebody touched it */
    bool user_verified; /* by PIN or biometry */
    uint32_t counter;   /* of signatures, as far as it counts them */
};

struct sp_keytype_ops {
    struct sp_module head; /* the signature algorithm's name */
    const char *blob_type; /* the name that begins the key blob */
    const char *digest;    /* digest module that a signer applies first; NULL: it signs the message itself */
    /*
     * NULL: a plain key. Else the blob is a certificate (certificate.h), and this the algorithm of the key inside: it is
     * what inspect, verify and encode are about, and its name stands in signature blobs.
     */
    const struct sp_keytype_ops *plain;

    /* Whether the blob is well formed, and the key's size in bits. 0, SP_E_MALFORMED, SP_E_REFUSED. */
    int (*inspect)(struct sp_span blob, unsigned *bits);
    /*
     * `signature` is the whole signature blob: string algorithm ‖ string signature, and what an authenticator adds.
     * *facts (NULL: not asked) is untouched but by a good verdict of a key that is in an authenticator.
     */
    enum sp_verdict (*verify)(struct sp_span blob, struct sp_span signature, struct sp_span message,
                              struct sp_signature_facts *facts);
    /*
     * A token's raw signature (PKCS#11: r ‖ s of fixed width, RSA's octets, Ed25519's 64) as a signature blob.
     * 0, SP_E_MALFORMED, SP_E_NO_ROOM. Keys that no token can have encode nothing.
     */
    int (*encode)(struct sp_span blob, struct sp_span raw, struct sp_out *signature);
    /* Makes ahead of time what `verify` would make at its first use. 0 or a negative errno. NULL: nothing. */
    int (*prepare)(void);
};
