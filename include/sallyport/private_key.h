/*
 * Private keys outside a token, for the one purpose of putting them into one. All spans point into the `store` of the
 * reader, which is the caller's: locked, and wiped by it.
 */
#pragma once

#include <sallyport/types.h>

#define SP_PRIVATE_KEY_FILE_MAX 65536u /* octets of a file: RSA 16384 needs 13 KiB, in base64 */
#define SP_PRIVATE_KEY_STORE 98304u    /* octets of room that a reader needs */

enum sp_private_kind {
    SP_PRIVATE_ED25519 = 1,
    SP_PRIVATE_ECDSA,
    SP_PRIVATE_RSA,
};

struct sp_private_key {
    enum sp_private_kind kind;
    struct sp_span blob; /* the public half, as SSH has it */
    union {
        struct {
            struct sp_span seed, point; /* 32 octets each */
        } ed25519;
        struct {
            const char *curve;            /* "nistp256", static */
            struct sp_span scalar, point; /* of the curve's width; uncompressed */
        } ecdsa;
        struct {
            struct sp_span n, e, d, p, q, dp, dq, qinv; /* big-endian magnitudes */
        } rsa;
    };
};

/* How wide a scalar of one of SSH's curves is; *name becomes a static text. 0: no such curve. */
size_t private_key_curve(struct sp_span curve, const char **name);

/*
 * A file in PEM: PKCS#8, or the traditional form of RSA or EC keys. 0, SP_E_MALFORMED, SP_E_REFUSED (it is encrypted),
 * SP_E_NO_ROOM, or a negative errno; *why is then a static text.
 */
SP_MUST_USE int private_key_read_pem(struct sp_span file, struct sp_out *store, struct sp_private_key *key,
                                     const char **why);

/* Fills in an RSA key's dp and dq, which OpenSSH's files leave out. 0, SP_E_MALFORMED, SP_E_NO_ROOM or a negative errno. */
SP_MUST_USE int private_key_complete_rsa(struct sp_private_key *key, struct sp_out *store);

/* key->blob, from the other fields. 0 or SP_E_NO_ROOM. */
SP_MUST_USE int private_key_make_blob(struct sp_private_key *key, struct sp_out *store);
