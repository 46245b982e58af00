/* A policy in the signer: as it was configured, to explain it, and as it is enforced. */
#pragma once

#include "config/config.h"
#include "config/policies.h"
#include "signer/offer.h"

#define VARIANT_KEYS_MAX 64u /* host keys and certificates that a policy is asked about */

/* What there is to negotiate on this machine; `build` points into the rest and at the registry's names. */
struct variant_build {
    char kex[POLICY_LIST_MAX], post_quantum[POLICY_LIST_MAX], host_key[POLICY_LIST_MAX];
    struct policy_build build;
};

struct variant {
    char *spec;
    struct policy *policy;
    struct variant_build *build;
    struct policy_effective *effective;
    char digest[65];                         /* SHA-256 in hex of policy_effective_text() */
    bool key_is_forbidden[VARIANT_KEYS_MAX]; /* by position among the keys it was resolved with */
    char forbidden[800];                     /* why the last of those is; "": none */
    struct msg_variant offered;              /* spans into the generation's offer */
};

/* A key for the policy to judge: the algorithms that it could sign with, and for a certificate who signed it. */
struct variant_key {
    struct proven_key key;
    const struct sp_keytype_ops *ca_algorithm; /* NULL: no certificate */
    struct sp_span ca_key;
    const char *written; /* as the configuration names it, for errors; NULL: "a host key" */
};

/* Loads a policy with the configuration's own lists. 0, CONFIG_E_INVALID with *error, or -errno. Free it in any case. */
int variant_load(struct variant *variant, const struct config_source *source, const struct config *config,
                 const char *spec, struct config_error *error) MUST_USE;
/* Loads the policy of PolicyMode report; variant->policy NULL: there is none. */
int variant_load_reported(struct variant *variant, const struct config_source *source,
                          const struct config *config, struct config_error *error) MUST_USE;
/* Resolves it for these keys. fips: libcrypto serves from an approved provider alone. 0, CONFIG_E_INVALID or -errno. */
int variant_resolve(struct variant *variant, const struct variant_key *keys, size_t key_count, bool fips,
                    int64_t now, struct config_error *error) MUST_USE;
void variant_free(struct variant *variant);

/* Whether the policy's rules let a key be offered. 0, or CONFIG_E_INVALID with the rule and its line. */
int variant_check_key(const struct variant *variant, const struct variant_key *key,
                      struct config_error *error) MUST_USE;
