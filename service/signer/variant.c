/*
 * Policies, resolved. Input: the snapshot's files and lines, this build, this machine's libcrypto, the host keys. Output:
 * lists, rules and the digest by which two of them are told apart.
 */
#include "signer/variant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "signer/algorithm.h"

void variant_free(struct variant *variant)
{
    free(variant->spec);
    policy_free(variant->policy);
    free(variant->build);
    free(variant->effective);
    *variant = (struct variant){0};
}

static int complain(struct config_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return CONFIG_E_INVALID;
}

/* now is not asked: a policy that had not expired when the configuration was loaded stays in force with it. */
int variant_load(struct variant *variant, const struct config_source *source, const struct config *config,
                 const char *spec, struct config_error *error)
{
    variant->spec = strdup(spec);
    return variant->spec ? config_policy_of(source, config, spec, 0, &variant->policy, error) : -ENOMEM;
}

int variant_load_reported(struct variant *variant, const struct config_source *source,
                          const struct config *config, struct config_error *error)
{
    variant->spec = strdup(config->policy_report);
    return variant->spec ? config_policy_reported(source, config, 0, &variant->policy, error) : -ENOMEM;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static int size_check(const struct policy_rules *rules, struct sp_span blob, struct config_error *error)
{
    struct policy_error why;
    unsigned bits = 0;
    const struct sp_keytype_ops *keytype = algorithm_of_key(blob, 0, &bits);
    if (!keytype)
        return complain(error, "its public key is malformed, too small, or of no type of ours");
    const char *type = keytype->plain ? keytype->plain->blob_type : keytype->blob_type;
    int r = policy_check_key(rules, type, bits, &why);
    return r > 0 ? complain(error, why.text) : r;
}

static bool ca_is_listed(const struct policy *policy, const char *name)
{
    const struct policy_list *list = &policy->lists[POLICY_CA_KEY];
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].name, name) == 0 && list->entries[i].not_after == 0 &&
            !list->entries[i].addresses)
            return true;
    return false;
}

int variant_check_key(const struct variant *variant, const struct variant_key *key,
                      struct config_error *error)
{
    const struct policy *policy = variant->policy;
    int r = size_check(&policy->rules, key->key.blob, error);
    if (r || !key->ca_algorithm)
        return r;
    if (!ca_is_listed(policy, key->ca_algorithm->head.name)) {
        snprintf(error->text, sizeof error->text, "%s: policy %s does not allow %s, with which it is signed",
                 policy_keyword(POLICY_CA_KEY), policy->spec, key->ca_algorithm->head.name);
        return CONFIG_E_INVALID;
    }
    return size_check(&policy->rules, key->ca_key, error);
}

static int host_keys_list(struct variant *variant, const struct variant_key *keys, size_t key_count)
{
    char *list = variant->build->host_key;
    struct config_error why;
    list[0] = 0;
    for (size_t k = 0; k < key_count && k < VARIANT_KEYS_MAX; k++) {
        int r = variant_check_key(variant, &keys[k], &why);
        if (r < 0)
            return r;
        variant->key_is_forbidden[k] = r > 0;
        if (r > 0)
            snprintf(variant->forbidden, sizeof variant->forbidden, "%.200s: %.500s",
                     keys[k].written ? keys[k].written : "a host key", why.text);
        for (size_t i = 0; r == 0 && i < keys[k].key.algorithm_count; i++) {
            const char *name = keys[k].key.algorithms[i]->head.name;
            if (!sp_list_has(sp_text(list), sp_text(name)) && list_append(list, POLICY_LIST_MAX, name))
                return -ENOSPC;
        }
    }
    return 0;
}

/* ---- resolving --------------------------------------------------------------------------------------------------- */

static int build_fill(struct variant *variant, const struct variant_key *keys, size_t key_count, bool fips)
{
    struct variant_build *b = variant->build;
    const char *const known[POLICY_KINDS] = {
        [POLICY_KEX] = registry_names(SP_KIND_KEX),
        [POLICY_HOST_KEY] = registry_names(SP_KIND_KEYTYPE),
        [POLICY_CIPHER] = registry_names(SP_KIND_CIPHER),
        [POLICY_MAC] = registry_names(SP_KIND_MAC),
        [POLICY_COMPRESSION] = registry_names(SP_KIND_COMPRESSION),
        [POLICY_USER_KEY] = registry_names(SP_KIND_KEYTYPE),
        [POLICY_CA_KEY] = registry_names(SP_KIND_KEYTYPE),
    };
    memcpy(b->build.known, known, sizeof known);
    memcpy(b->build.available, known, sizeof known);
    b->build.available[POLICY_KEX] = b->kex;
    b->build.available[POLICY_HOST_KEY] = b->host_key;
    b->build.post_quantum = b->post_quantum;
    b->build.fips_provider = fips;
    int r = algorithm_available_kex(b->kex, sizeof b->kex, false);
    if (r == 0)
        r = algorithm_available_kex(b->post_quantum, sizeof b->post_quantum, true);
    return r ? r : host_keys_list(variant, keys, key_count);
}

static int digest_make(struct variant *variant)
{
    CLEANUP_FREE char *text = NULL;
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    int r = sha256 ? policy_effective_text(variant->effective, &text) : -ENOENT;
    if (r)
        return r;
    struct sp_span whole = sp_text(text);
    r = sha256->hash(&whole, 1, digest);
    for (size_t i = 0; r == 0 && i < sha256->size; i++)
        snprintf(variant->digest + 2 * i, 3, "%02x", digest[i]);
    return r;
}

int variant_resolve(struct variant *variant, const struct variant_key *keys, size_t key_count, bool fips,
                    int64_t now, struct config_error *error)
{
    struct policy_error why;
    if (!variant->build)
        variant->build = calloc(1, sizeof *variant->build);
    if (!variant->effective)
        variant->effective = calloc(1, sizeof *variant->effective);
    if (!variant->build || !variant->effective)
        return -ENOMEM;
    variant->forbidden[0] = 0;
    int r = build_fill(variant, keys, key_count, fips);
    if (r)
        return r;
    r = policy_resolve(variant->policy, &variant->build->build, now, variant->effective, &why);
    if (r > 0) {
        snprintf(error->text, sizeof error->text, "%.500s%s%.500s", why.text,
                 variant->forbidden[0] ? "; " : "", variant->forbidden);
        return CONFIG_E_INVALID;
    }
    return r ? r : digest_make(variant);
}
