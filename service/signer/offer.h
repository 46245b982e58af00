/* What a generation offers, put together: one variant per policy, and the keys that proved themselves. Pure. */
#pragma once

#include <sallyport/keytype.h>

#include "ipc/offer.h"
#include "policy/policy.h"

#define OFFER_ALGORITHMS_MAX 4u /* signature algorithms of one key: RSA has two */

/* A host key, or a certificate of one, and what can be signed with it. */
struct proven_key {
    struct sp_span blob;
    const struct sp_keytype_ops *algorithms[OFFER_ALGORITHMS_MAX];
    size_t algorithm_count;
    uint64_t valid_after, valid_before; /* as in struct offer_key */
};

/* Whether a resolved policy may ever negotiate it, by a list or by an exception. */
bool offer_wants_host_key(const struct policy_effective *effective, const struct sp_keytype_ops *keytype);

/* A resolved policy as a variant; exceptions: room for them, which *variant then points into. 0 or -EMSGSIZE. */
int offer_variant_make(const char *policy, const char *digest, const struct policy_effective *effective,
                       struct sp_out *exceptions, struct msg_variant *variant) MUST_USE;

/* An encoded `offer` (free()). 0, -EMSGSIZE or -ENOMEM. */
int offer_encode(const struct msg_variant *variants, size_t variant_count, const struct proven_key *keys,
                 size_t key_count, uint8_t **data, size_t *size) MUST_USE;
