/* How large a key has to be. The same for users' keys, keys in certificates and authorities' keys. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define KEY_RULES_RSA_SIZES_MAX 8u

/* Zero: no such rule. */
struct key_rules {
    uint32_t rsa_bits_min;
    uint32_t rsa_bits[KEY_RULES_RSA_SIZES_MAX]; /* no other sizes than these */
    size_t rsa_bits_count;
    uint32_t ec_bits_min;
};

/* Which rule of a policy is against a key, for whoever knows where it is written. */
struct key_objection {
    const char *rule;         /* its keyword; NULL: none */
    struct sp_span algorithm; /* what its list lacks, if it is a list */
};

enum {
    KEY_RULES_E_REFUSED = 1, /* *rule: its keyword, with which why begins */
};

/* sizes: list of uint32. 0 or -EPROTO. */
int key_rules_set_sizes(struct sp_span sizes, struct key_rules *rules) MUST_USE;
/* blob_type: "ssh-rsa", "ecdsa-sha2-nistp256", ... bits: as the algorithm's inspect says. 0 or KEY_RULES_E_REFUSED. */
int key_rules_check(const struct key_rules *rules, const char *blob_type, unsigned bits, const char **rule,
                    char *why, size_t why_size) MUST_USE;
