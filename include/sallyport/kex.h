/*
 * Key exchange methods. The description is all that the signer needs to rebuild an exchange hash (RFC 4253
 * section 8); the operations, which handle ephemeral secrets, are linked into the worker alone.
 */
#pragma once

#include <sallyport/module.h>

#define SP_KEX_PUBLIC_MAX 2048u /* octets of one side's public value: group18 is 1024, ML-KEM hybrids 1665 */
#define SP_KEX_SECRET_MAX 1024u /* octets of K's magnitude or string */
#define SP_KEX_SIZES_SIZE 12u   /* octets of a request's three sizes, RFC 4419 section 3 */
#define SP_KEX_GROUP_MAX 1046u  /* octets of a negotiated group: those, p of 8192 bits, g of one octet */
#define SP_KEX_GROUP_BITS_MIN 2048u /* RFC 8270 section 4; a policy may want more */

enum sp_kex_field {
    SP_KEX_STRING, /* hashed and sent as a string */
    SP_KEX_MPINT,  /* hashed and sent as an mpint; the value itself is a big-endian magnitude */
};

/* What a client asks for that wants a group from us, in bits (RFC 4419 section 3). */
struct sp_kex_sizes {
    uint32_t min, preferred, max;
};

/*
 * `self` of every function here is the struct that it stands in; `own` belongs to the module alone, which may serve
 * several methods with one function. `group` is what both sides have agreed on for methods that negotiate one: exactly
 * the octets that go into the exchange hash before the public values, uint32 min ‖ uint32 n ‖ uint32 max ‖ mpint p ‖
 * mpint g. It is empty for all others.
 */
struct sp_kex_info {
    struct sp_module head;
    const char *digest; /* name of the digest module of this exchange: "sha256", "sha384", "sha512" */
    enum sp_kex_field public_field;
    enum sp_kex_field secret_field;
    size_t secret_size; /* octets of K: exactly (SP_KEX_STRING), or at most (the magnitude of SP_KEX_MPINT) */
    bool post_quantum;
    const void *own;
    /* Whether this build and its libraries offer what the method needs, asked at run time. NULL: always. */
    bool (*available)(void);
    /*
     * Whether `group` is the one that choose_group answers to the sizes in it, where the policy's minimum is bits_min.
     * NULL: the method negotiates no group. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno.
     */
    int (*check_group)(const struct sp_kex_info *self, struct sp_span group, unsigned bits_min);
    /*
     * Whether both public values have the length and range that the method demands (DH: 1 < e < p-1,
     * RFC 4253 section 8; ECDH: a point on the curve, RFC 5656 section 4). Values as in `respond`; a group is one that
     * check_group has accepted. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno.
     */
    int (*check_publics)(const struct sp_kex_info *self, struct sp_span group, struct sp_span client_public,
                         struct sp_span server_public);
    /* Makes ahead of time what check_publics would make at its first use. 0 or a negative errno. NULL: nothing. */
    int (*prepare)(const struct sp_kex_info *self);
};

struct sp_kex_ops {
    const struct sp_kex_info *info;
    const void *own;
    /*
     * The group for a client that asked for these sizes, appended; no smaller than bits_min (at least
     * SP_KEX_GROUP_BITS_MIN). NULL exactly if the description has no check_group. 0, SP_E_MALFORMED (sizes that
     * contradict each other), SP_E_REFUSED (no group of ours is among them), SP_E_NO_ROOM, or a negative errno.
     */
    int (*choose_group)(const struct sp_kex_ops *self, const struct sp_kex_sizes *sizes, unsigned bits_min,
                        struct sp_out *group);
    /*
     * The server's whole part: makes an ephemeral key, computes the shared secret and forgets the key.
     * client_public: the string's content, or the mpint's magnitude. server_public: likewise, to be sent.
     * secret: K's magnitude (SP_KEX_MPINT, leading zeros allowed) or content (SP_KEX_STRING).
     * Both outputs are empty on failure. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno.
     */
    int (*respond)(const struct sp_kex_ops *self, struct sp_span group, struct sp_span client_public,
                   struct sp_out *server_public, struct sp_out *secret);
    /* Makes ahead of time what `respond` would make at its first use. 0 or a negative errno. NULL: nothing. */
    int (*prepare)(const struct sp_kex_ops *self);
};
