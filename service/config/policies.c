/*
 * Policies of a configuration. Input: the snapshot's policy files and an evaluated configuration. Output: struct policy,
 * or why there is none. Checks of what applies to nobody yet are in policies_check.c.
 */
#include "config/policies.h"

#include <errno.h>

#include "config/policy_lines.h"

static void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}

const char *config_policy_spec(const struct config *config)
{
    return config->policy[0] != '\0' ? config->policy : CONFIG_POLICY_DEFAULT;
}

/* ---- which there are --------------------------------------------------------------------------------------------- */

void config_policies_free(struct config_policies *policies)
{
    for (size_t i = 0; i < policies->count; i++)
        free(policies->specs[i]);
    *policies = (struct config_policies){0};
}

static int spec_add(struct config_policies *policies, const char *spec, const struct config_place *place,
                    struct config_error *error)
{
    for (size_t i = 0; i < policies->count; i++)
        if (strcmp(policies->specs[i], spec) == 0)
            return 0;
    if (policies->count == CONFIG_POLICIES_MAX)
        return config_complain(error, place, "Policy: expected at most %u different ones",
                               CONFIG_POLICIES_MAX);
    char *copy = strdup(spec);
    if (!copy)
        return -ENOMEM;
    policies->specs[policies->count++] = copy;
    return 0;
}

int config_policies_find(const struct config_source *source, const struct config *config,
                         struct config_policies *policies, struct config_error *error)
{
    CLEANUP(policy_lines_free) struct policy_lines lines = {0};
    *policies = (struct config_policies){0};
    int result = policy_lines_find(source, &lines, error);
    if (result == 0)
        result = spec_add(policies, config_policy_spec(config), NULL, error);
    for (size_t i = 0; i < lines.count && result == 0; i++)
        if (lines.items[i].kind == POLICY_LINE_CHOICE && lines.items[i].block != 0)
            result = spec_add(policies, lines.items[i].text, &lines.items[i].place, error);
    if (result != 0)
        config_policies_free(policies);
    return result;
}

/* ---- one of them ------------------------------------------------------------------------------------------------- */

static int complain(struct config_error *error, const struct policy_error *why)
{
    return config_complain(error, NULL, "%s", why->text);
}

static int plain_load(const struct config_source *source, const char *spec, int64_t now,
                      struct policy **policy, struct config_error *error)
{
    struct policy_error why;
    int result = policy_load(source->policies, spec, now, policy, &why);
    return result == POLICY_E_INVALID ? config_complain(error, NULL, "Policy %s: %s", spec, why.text)
                                      : result;
}

static int list_apply(const struct config *config, enum policy_kind kind, const char *names,
                      const char *keyword, struct policy *policy, struct config_error *error)
{
    const struct config_line *line = config_line(config, keyword);
    struct policy_error why;
    if (names[0] == '\0')
        return 0;
    int result = policy_amend(policy, kind, names, line ? line->file : NULL, line ? line->line : 0, &why);
    return result == POLICY_E_INVALID ? complain(error, &why) : result;
}

static int lists_apply(const struct config *config, struct policy *policy, struct config_error *error)
{
    const struct {
        enum policy_kind kind;
        const char *names;
    } rows[] = {
        {POLICY_KEX, config->kex_algorithms},
        {POLICY_HOST_KEY, config->host_key_algorithms},
        {POLICY_CIPHER, config->ciphers},
        {POLICY_MAC, config->macs},
        {POLICY_USER_KEY, config->pubkey_accepted_algorithms},
        {POLICY_CA_KEY, config->ca_signature_algorithms},
    };
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows) && result == 0; i++)
        result = list_apply(config, rows[i].kind, rows[i].names, policy_keyword(rows[i].kind), policy, error);
    if (result == 0 && strcmp(config->compression, "no") == 0)
        result = list_apply(config, POLICY_COMPRESSION, "-zlib*", "Compression", policy, error);
    const struct config_line *size = config_line(config, "RequiredRSASize");
    if (result == 0 && size)
        policy_amend_rsa_size(policy, config->required_rsa_size, size->file, size->line);
    return result;
}

/* A site's policy has been named: nothing of ours may add to it. */
static int tightens(const struct config_source *source, const char *spec, const struct policy *amended,
                    struct config_error *error)
{
    CLEANUP(policy_cleanup) struct policy *plain = NULL;
    struct policy_error why;
    int result = plain_load(source, spec, 0, &plain, error);
    if (result != 0 || plain->may_loosen)
        return result;
    result = policy_compare(plain, amended, &why);
    return result == POLICY_E_INVALID ? complain(error, &why) : result;
}

int config_policy_of(const struct config_source *source, const struct config *config, const char *spec,
                     int64_t now, struct policy **policy, struct config_error *error)
{
    CLEANUP(policy_cleanup) struct policy *made = NULL;
    bool is_named = config->policy[0] != '\0' || strcmp(spec, CONFIG_POLICY_DEFAULT) != 0;
    int result = plain_load(source, spec, now, &made, error);
    if (result == 0)
        result = lists_apply(config, made, error);
    if (result == 0 && is_named)
        result = tightens(source, spec, made, error);
    if (result != 0)
        return result;
    *policy = TAKE(made);
    return 0;
}

int config_policy(const struct config_source *source, const struct config *config, int64_t now,
                  struct policy **policy, struct config_error *error)
{
    return config_policy_of(source, config, config_policy_spec(config), now, policy, error);
}

int config_policy_reported(const struct config_source *source, const struct config *config, int64_t now,
                           struct policy **policy, struct config_error *error)
{
    if (config->policy_report[0] == '\0') {
        *policy = NULL;
        return 0;
    }
    return plain_load(source, config->policy_report, now, policy, error);
}
