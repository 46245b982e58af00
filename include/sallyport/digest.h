/* Hash functions of exchange hashes and key derivation. */
#pragma once

#include <sallyport/module.h>

#define SP_DIGEST_MAX 64u

struct sp_digest_ops {
    struct sp_module head; /* name: "sha256", "sha384", "sha512" */
    size_t size;           /* octets of a digest */
    /* The digest of all parts in order; `out` has room for `size` octets. 0 or a negative errno. */
    int (*hash)(const struct sp_span *parts, size_t count, uint8_t *out);
};
