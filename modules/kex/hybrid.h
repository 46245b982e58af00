/*
 * Post-quantum hybrids: a key encapsulation and an elliptic curve, of which one may fail. All have one form: C_INIT is
 * an encapsulation key and a point, S_REPLY a ciphertext and our point, K the hash of both secrets, a string.
 * draft-ietf-sshm-mlkem-hybrid-kex, RFC 9941. A method is a file with the two tables below.
 */
#pragma once

#include "common/curve.h"
#include "kex/agreement.h"

#define HYBRID_KEM_SECRET_SIZE 32u
#define HYBRID_X25519 CURVE_COUNT /* as `curve`, besides the CURVE_ values */

/* sp_kex_info.own */
struct hybrid_shape {
    size_t key_size, ciphertext_size; /* octets of the encapsulation's two values */
    unsigned curve;
    int (*check_key)(
        struct sp_span key); /* of key_size octets. 0 or SP_E_REFUSED. NULL: all of them are keys */
};

/* sp_kex_ops.own */
struct hybrid_kem {
    /* Appends a ciphertext of ciphertext_size octets to a checked key. 0, SP_E_NO_ROOM, or a negative errno:
     * -EOPNOTSUPP where the method is not available. The secret is wiped by the caller. */
    int (*encapsulate)(struct sp_span key, struct sp_out *ciphertext,
                       uint8_t secret[static HYBRID_KEM_SECRET_SIZE]);
    /* Makes ahead of time what encapsulate would make at its first use. 0 or a negative errno. */
    int (*prepare)(void);
};

/* The functions of both structs. */
int hybrid_check_publics(const struct sp_kex_info *self, struct sp_span group, struct sp_span client_public,
                         struct sp_span server_public);
int hybrid_build(const struct sp_kex_info *self);
int hybrid_respond(const struct sp_kex_ops *self, struct sp_span group, struct sp_span client_public,
                   struct sp_out *server_public, struct sp_out *secret);
int hybrid_prepare(const struct sp_kex_ops *self);

/* K = digest(kem ‖ point), appended. 0, SP_E_NO_ROOM, or a negative errno. */
SP_MUST_USE int hybrid_combine(const char *digest, struct sp_span kem, struct sp_span point,
                               struct sp_out *secret);
