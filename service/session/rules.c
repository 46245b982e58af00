/*
 * The rules of a login. Input: the configuration of this user, and the policies that it chooses. Output: struct login_rules,
 * and where a rule is written. Policies are resolved here by the same code, over the same sealed snapshot, as the signer
 * resolves them.
 */
#include "session/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/addresses.h"
#include "config/config.h"
#include "config/policies.h"
#include "policy/policy.h"

/* Names alone, from the one declaration: this program links no key code. Behind a comma each. */
static const char known_keytypes[] = ""
#define KEYTYPE(symbol, name) "," name
#include "modules/registry.def"
    ;

static void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}

static bool has_word(const struct config_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i], word) == 0)
            return true;
    return false;
}

/* What this program cares for. Whether libcrypto serves from an approved provider is for the signer to judge, which signs
 * nothing if not. */
static const struct policy_build build = {
    .known = {[POLICY_USER_KEY] = known_keytypes + 1, [POLICY_CA_KEY] = known_keytypes + 1},
    .available = {[POLICY_USER_KEY] = known_keytypes + 1, [POLICY_CA_KEY] = known_keytypes + 1},
    .fips_provider = true,
};

static int policy_resolve_keys(const struct policy *policy, int64_t now, struct policy_effective *effective,
                               char *error, size_t error_size)
{
    struct policy_error why;
    int r = policy_resolve(policy, &build, now, effective, &why);
    if (r == POLICY_E_INVALID)
        snprintf(error, error_size, "%s", why.text);
    return r;
}

static int name_add(const char *name, char list[LOGIN_RULES_LIST_MAX])
{
    size_t used = strlen(list);
    int size = snprintf(list + used, LOGIN_RULES_LIST_MAX - used, "%s%s", used ? "," : "", name);
    return size < 0 || (size_t)size >= LOGIN_RULES_LIST_MAX - used ? -E2BIG : 0;
}

static bool applies(const struct policy_exception *exception, const char *address, int64_t now)
{
    return (exception->not_after == 0 || now <= exception->not_after) &&
           (!exception->addresses[0] || addresses_match(address, exception->addresses) == 1);
}

/* Names that the policy lets in for this address, or for now. */
static int exceptions_add(const struct policy_effective *effective, const char *address, int64_t now,
                          struct login_rules *rules)
{
    int r = 0;
    for (size_t i = 0; i < effective->exception_count && r == 0; i++) {
        const struct policy_exception *exception = &effective->exceptions[i];
        if (!applies(exception, address, now))
            continue;
        if (exception->kind == POLICY_USER_KEY) {
            r = name_add(exception->name, rules->user_key_algorithms);
            if (r == 0)
                r = name_add(exception->name, rules->user_key_exceptions);
        } else if (exception->kind == POLICY_CA_KEY) {
            r = name_add(exception->name, rules->ca_key_algorithms);
        }
    }
    return r;
}

static int rules_take(const struct policy_effective *effective, const char *address, int64_t now,
                      struct login_rules *rules)
{
    _Static_assert(LOGIN_RULES_LIST_MAX == POLICY_LIST_MAX, "a list of the policy has room in the rules");
    _Static_assert(LOGIN_RULES_RSA_SIZES_MAX == POLICY_RSA_SIZES_MAX, "so have its sizes");
    _Static_assert(sizeof rules->auth_methods == sizeof effective->rules.auth_methods, "and its methods");
    memcpy(rules->user_key_algorithms, effective->lists[POLICY_USER_KEY], LOGIN_RULES_LIST_MAX);
    memcpy(rules->ca_key_algorithms, effective->lists[POLICY_CA_KEY], LOGIN_RULES_LIST_MAX);
    rules->rsa_bits_min = effective->rules.rsa_bits_min;
    memcpy(rules->rsa_bits, effective->rules.rsa_bits, sizeof rules->rsa_bits);
    rules->rsa_bits_count = effective->rules.rsa_bits_count;
    rules->ec_bits_min = effective->rules.ec_bits_min;
    memcpy(rules->auth_methods, effective->rules.auth_methods, sizeof rules->auth_methods);
    return exceptions_add(effective, address, now, rules);
}

static int policy_take(const struct policy *policy, const struct login_rules_for *who,
                       struct login_rules *rules, char *error, size_t error_size)
{
    CLEANUP_FREE struct policy_effective *effective = calloc(1, sizeof *effective);
    if (!effective)
        return -ENOMEM;
    int r = policy_resolve_keys(policy, who->now, effective, error, error_size);
    return r ? r : rules_take(effective, who->address, who->now, rules);
}

typedef int (*policy_choose_fn)(const struct config_source *source, const struct config *config, int64_t now,
                                struct policy **policy, struct config_error *error);

/* No policy, where that can be: rules that are not known. */
static int rules_make(const struct config_source *source, const struct config *config,
                      policy_choose_fn choose, const struct login_rules_for *who, struct login_rules *rules,
                      char *error, size_t error_size)
{
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    struct config_error why;
    /* One that was in time when it was loaded stays in force: 0. */
    int r = choose(source, config, 0, &policy, &why);
    if (r == CONFIG_E_INVALID)
        snprintf(error, error_size, "%s", why.text);
    if (r == 0 && policy)
        r = policy_take(policy, who, rules, error, error_size);
    if (r)
        return r;
    snprintf(rules->address, sizeof rules->address, "%s", who->address);
    rules->now = who->now;
    rules->known = policy != NULL;
    rules->policy = TAKE(policy);
    return 0;
}

static int rules_fill(const struct config_source *source, const struct config *config,
                      policy_choose_fn choose, const struct login_rules_for *who, struct login_rules *rules,
                      char *error, size_t error_size)
{
    struct login_rules made = {
        .touch_required = has_word(&config->pubkey_auth_options, "touch-required"),
        .verify_required = has_word(&config->pubkey_auth_options, "verify-required"),
    };
    snprintf(error, error_size, "out of room or memory for the policy");
    int r = rules_make(source, config, choose, who, &made, error, error_size);
    if (r) {
        *rules = (struct login_rules){0};
        return LOGIN_RULES_E_INVALID;
    }
    error[0] = 0;
    *rules = made;
    return 0;
}

int login_rules_fill(const struct config_source *source, const struct config *config,
                     const struct login_rules_for *who, struct login_rules *rules, char *error,
                     size_t error_size)
{
    return rules_fill(source, config, config_policy, who, rules, error, error_size);
}

int login_rules_fill_reported(const struct config_source *source, const struct config *config,
                              const struct login_rules_for *who, struct login_rules *rules, char *error,
                              size_t error_size)
{
    return rules_fill(source, config, config_policy_reported, who, rules, error, error_size);
}

void login_rules_free(struct login_rules *rules)
{
    policy_free(rules->policy);
    *rules = (struct login_rules){0};
}

const char *login_rules_policy(const struct login_rules *rules)
{
    return rules->policy ? rules->policy->spec : "";
}

/* ---- where they are written -------------------------------------------------------------------------------------- */

/* An exception is in the policy, and this login is not the one that it is for. */
static const char *algorithm_origin(const struct login_rules *rules, enum policy_kind kind,
                                    struct sp_span algorithm, char text[LOGIN_RULES_ORIGIN_MAX])
{
    struct policy_verdict verdict;
    policy_explain(rules->policy, &build, rules->now, kind, algorithm, &verdict);
    if (verdict.reason == POLICY_IN_EXCEPTION)
        snprintf(text, LOGIN_RULES_ORIGIN_MAX, ": not for %s: %s", rules->address, verdict.text);
    else
        snprintf(text, LOGIN_RULES_ORIGIN_MAX, ": %s", verdict.text);
    return text;
}

static const char *rule_origin(const struct login_rules *rules, enum policy_rule rule,
                               char text[LOGIN_RULES_ORIGIN_MAX])
{
    char place[POLICY_ORIGIN_MAX];
    snprintf(text, LOGIN_RULES_ORIGIN_MAX, " (%s)",
             policy_origin_text(rules->policy->rules.origins[rule], place));
    return text;
}

const char *login_rules_origin(const struct login_rules *rules, struct sp_span keyword,
                               struct sp_span algorithm, char text[LOGIN_RULES_ORIGIN_MAX])
{
    static const enum policy_kind kinds[] = {POLICY_USER_KEY, POLICY_CA_KEY};
    text[0] = 0;
    if (!rules->policy)
        return text;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (sp_span_is(keyword, policy_keyword(kinds[i])))
            return algorithm_origin(rules, kinds[i], algorithm, text);
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++)
        if (sp_span_is(keyword, policy_rule_keyword(rule)))
            return rule_origin(rules, rule, text);
    return text;
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

bool login_rules_allow_method(const struct login_rules *rules, const char *method)
{
    return rules->known &&
           (!rules->auth_methods[0] || sp_list_has(sp_text(rules->auth_methods), sp_text(method)));
}
