/* What a generation offers: the configured lists, resolved by the policy, and the keys that proved themselves. Pure. */
#pragma once

#include <sallyport/keytype.h>

#include "config/config.h"
#include "policy/lists.h"

#define OFFER_ALGORITHMS_MAX 4u /* signature algorithms of one key: RSA has two */

struct offer_lists {
    char kex[POLICY_LIST_MAX];
    char host_key[POLICY_LIST_MAX];
    char ciphers[POLICY_LIST_MAX];
    char macs[POLICY_LIST_MAX];
    char user_key[POLICY_LIST_MAX];
};

struct offer_key {
    struct sp_span blob;
    const struct sp_keytype_ops *algorithms[OFFER_ALGORITHMS_MAX]; /* those it can really sign with */
    size_t algorithm_count;
};

enum {
    OFFER_E_INVALID = 1, /* error says what */
};

/* available: comma-separated algorithms that some key can sign with. 0, OFFER_E_INVALID or -errno. */
int offer_resolve(const struct config *config, const char *available, struct offer_lists *lists, char *error,
                  size_t error_size) MUST_USE;
bool offer_has_host_key(const struct offer_lists *lists, const struct sp_keytype_ops *keytype);
/* An encoded `offer` (free()). A key of which the lists allow no algorithm is left out. 0, -EMSGSIZE or -ENOMEM. */
int offer_encode(const struct offer_lists *lists, const struct offer_key *keys, size_t key_count,
                 uint8_t **data, size_t *size) MUST_USE;
