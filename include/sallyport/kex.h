/*
 * Key exchange methods. The description is all that the signer needs to rebuild an exchange hash (RFC 4253
 * section 8); the operations, which handle ephemeral secrets, are linked into the worker alone.
 */
#pragma once

#include <sallyport/module.h>

#define SP_KEX_PUBLIC_MAX 2048u /* octets of one side's public value: group18 is 1024, ML-KEM hybrids 1216 */
#define SP_KEX_SECRET_MAX 1024u /* octets of K's magnitude or string */

enum sp_kex_field {
    SP_KEX_STRING, /* hashed and sent as a string */
    SP_KEX_MPINT,  /* hashed and sent as an mpint; the value itself is a big-endian magnitude */
};

struct sp_kex_info {
    struct sp_module head;
    const char *digest; /* name of the digest module of this exchange: "sha256", "sha384", "sha512" */
    enum sp_kex_field public_field;
    enum sp_kex_field secret_field;
    size_t secret_size; /* octets of K: exactly (SP_KEX_STRING), or at most (the magnitude of SP_KEX_MPINT) */
    bool post_quantum;
    /* Whether libcrypto offers what the method needs, asked at run time. NULL: always. */
    bool (*available)(void);
    /*
     * Whether both public values have the length and range that the method demands (DH: 1 < e < p-1,
     * RFC 4253 section 8; ECDH: a point on the curve, RFC 5656 section 4). Values as in `respond`.
     * 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno.
     */
    int (*check_publics)(struct sp_span client_public, struct sp_span server_public);
    /* Makes ahead of time what check_publics would make at its first use. 0 or a negative errno. NULL: nothing. */
    int (*prepare)(void);
};

struct sp_kex_ops {
    const struct sp_kex_info *info;
    /*
     * The server's whole part: makes an ephemeral key, computes the shared secret and forgets the key.
     * client_public: the string's content, or the mpint's magnitude. server_public: likewise, to be sent.
     * secret: K's magnitude (SP_KEX_MPINT, leading zeros allowed) or content (SP_KEX_STRING).
     * Both outputs are empty on failure. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno.
     */
    int (*respond)(struct sp_span client_public, struct sp_out *server_public, struct sp_out *secret);
    /* Makes ahead of time what `respond` would make at its first use. 0 or a negative errno. NULL: nothing. */
    int (*prepare)(void);
};
