/* This build, for resolving policies as the server on this machine would. Input: the registry, and what its modules say
 * about the libraries that they found. */
#include "ctl/build.h"

#include <sallyport/provider.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

static const struct {
    const char *kind;
    const char *part; /* of the names of its algorithms */
} tokens_known[] = {
    {"ed25519", "ed25519"}, {"p256", "nistp256"}, {"p384", "nistp384"}, {"p521", "nistp521"}, {"rsa", "rsa-"},
};

#define TOKEN_CERTIFICATES "cert"

static void list_add(char *list, struct sp_span name)
{
    size_t used = strlen(list);
    if (used + name.size + 2 > POLICY_LIST_MAX)
        return; /* the registry's own names, which fit */
    if (used != 0)
        list[used++] = ',';
    memcpy(list + used, name.data, name.size);
    list[used + name.size] = '\0';
}

static bool name_has(struct sp_span name, const char *part)
{
    return memmem(name.data, name.size, part, strlen(part)) != NULL;
}

/* An authenticator signs for a user, never for a server. */
static bool is_host_key(struct sp_span name)
{
    return !name_has(name, "sk-");
}

static const char *token_part(struct sp_span kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(tokens_known); i++)
        if (sp_span_is(kind, tokens_known[i].kind))
            return tokens_known[i].part;
    return NULL;
}

static void host_keys_add(struct build *build, const char *part, bool certificates)
{
    struct sp_span names = sp_text(registry_names(SP_KIND_KEYTYPE));
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        if (is_host_key(name) && name_has(name, part) && (certificates || !name_has(name, "-cert-")))
            list_add(build->host_key, name);
    }
}

static bool tokens_have_certificates(const char *tokens)
{
    return sp_list_has(sp_text(tokens), sp_text(TOKEN_CERTIFICATES));
}

static int host_keys_find(struct build *build, const char *tokens, struct sp_span *bad)
{
    struct sp_span rest = sp_text(tokens);
    build->certificates = tokens_have_certificates(tokens);
    while (rest.size != 0) {
        struct sp_span kind = sp_next_name(&rest);
        const char *part = token_part(kind);
        if (!part && !sp_span_is(kind, TOKEN_CERTIFICATES)) {
            *bad = kind;
            return BUILD_E_KIND;
        }
        if (part)
            host_keys_add(build, part, build->certificates);
    }
    return 0;
}

static void kex_list_make(struct build *build, bool all)
{
    const struct sp_kex_info *info;
    for (size_t i = 0; (info = kex_info_at(i)); i++) {
        if (!all && info->available && !info->available())
            continue;
        list_add(build->kex, sp_text(info->head.name));
        if (info->post_quantum)
            list_add(build->post_quantum, sp_text(info->head.name));
    }
}

static void known_set(struct policy_build *build)
{
    static const enum sp_module_kind kinds[POLICY_KINDS] = {
        [POLICY_KEX] = SP_KIND_KEX,
        [POLICY_HOST_KEY] = SP_KIND_KEYTYPE,
        [POLICY_CIPHER] = SP_KIND_CIPHER,
        [POLICY_MAC] = SP_KIND_MAC,
        [POLICY_COMPRESSION] = SP_KIND_COMPRESSION,
        [POLICY_USER_KEY] = SP_KIND_KEYTYPE,
        [POLICY_CA_KEY] = SP_KIND_KEYTYPE,
    };
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        build->known[kind] = build->available[kind] = registry_names(kinds[kind]);
}

int build_make(const char *tokens, bool all, struct build *build, struct sp_span *bad)
{
    *build = (struct build){0};
    known_set(&build->build);
    kex_list_make(build, all);
    build->build.available[POLICY_KEX] = build->kex;
    build->build.available[POLICY_HOST_KEY] = build->host_key;
    build->build.post_quantum = build->post_quantum;
    build->build.fips_provider = all || crypto_provider_is_fips();
    if (tokens)
        return host_keys_find(build, tokens, bad);
    for (size_t i = 0; i < ARRAY_SIZE(tokens_known); i++)
        host_keys_add(build, tokens_known[i].part, true);
    return 0;
}

void build_set_host_keys(struct build *build, struct sp_span algorithms)
{
    build->host_key[0] = '\0';
    while (algorithms.size != 0)
        list_add(build->host_key, sp_next_name(&algorithms));
}
