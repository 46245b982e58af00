/*
 * One ephemeral Diffie-Hellman agreement in libcrypto's terms, shared by all methods that have one: X25519,
 * the NIST curves and the MODP groups differ in names and sizes alone. The caller checks the peer's value
 * before it comes here.
 */
#pragma once

#include <openssl/evp.h>

#include <sallyport/kex.h>

struct agreement {
    const char *type;        /* libcrypto's key type: "X25519", "EC", "DH" */
    const char *group;       /* its group; NULL: the type has none */
    size_t private_bits;     /* length of the secret exponent; 0: the type's own */
    size_t public_size;      /* octets of a public value in libcrypto's encoding */
    size_t secret_size;      /* octets of the shared secret, leading zeros included */
    EVP_PKEY_CTX *generator; /* made once and kept: look-ups by name cost more than some keys */
};

/* Makes the generator and has libcrypto look up the rest, so that a fork inherits it. 0 or a negative errno.
 */
SP_MUST_USE int agreement_prepare(struct agreement *agreement);

/* A fresh key pair; the caller frees it. 0 or a negative errno. */
SP_MUST_USE int agreement_generate(struct agreement *agreement, EVP_PKEY **own);

/* Appends the key's public value. 0, SP_E_NO_ROOM, or a negative errno. */
SP_MUST_USE int agreement_public(const struct agreement *agreement, EVP_PKEY *own, struct sp_out *out);

/*
 * The shared secret of a given key pair and the peer's checked value (public_size octets), secret_size
 * octets. 0, SP_E_REFUSED if the result is zero (RFC 7748 section 6.1, RFC 8731 section 3), or a negative
 * errno. `secret` is zero on failure.
 */
SP_MUST_USE int agreement_derive(const struct agreement *agreement, EVP_PKEY *own, struct sp_span peer,
                                 uint8_t *secret);

/* All of it: a key pair made, its public value and the secret appended, the key forgotten. As
 * sp_kex_ops.respond. */
SP_MUST_USE int agreement_respond(struct agreement *agreement, struct sp_span peer,
                                  struct sp_out *server_public, struct sp_out *secret);

/* Empties an output and wipes what had been written. */
void agreement_forget(struct sp_out *out);
