/* The rules of a login. Input: the configuration of this user. Output: struct login_rules. */
#include "session/rules.h"

#include <stdio.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "config/config.h"
#include "policy/lists.h"

/* Names alone, from the one declaration: this program links no key code. Behind a comma each. */
static const char known_keytypes[] = ""
#define KEYTYPE(symbol, name) "," name
#include "modules/registry.def"
    ;

static int list_fill(enum policy_kind kind, const char *configured, char list[LOGIN_RULES_LIST_MAX],
                     char *error, size_t error_size)
{
    _Static_assert(LOGIN_RULES_LIST_MAX == POLICY_LIST_MAX, "a list of the policy has room in the rules");
    const char *known = known_keytypes + 1;
    if (lists_resolve_one(kind, configured, known, known, list, error, error_size) == 0)
        return 0;
    list[0] = 0;
    return LOGIN_RULES_E_INVALID;
}

static bool has_word(const struct config_list *list, const char *word)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i], word) == 0)
            return true;
    return false;
}

int login_rules_fill(const struct config *config, struct login_rules *rules, char *error, size_t error_size)
{
    *rules = (struct login_rules){
        .rsa_bits_min = config->required_rsa_size,
        .touch_required = has_word(&config->pubkey_auth_options, "touch-required"),
        .verify_required = has_word(&config->pubkey_auth_options, "verify-required"),
    };
    int r = list_fill(POLICY_USER_KEY, config->pubkey_accepted_algorithms, rules->user_key_algorithms, error,
                      error_size);
    if (r == 0)
        r = list_fill(POLICY_CA_KEY, config->ca_signature_algorithms, rules->ca_key_algorithms, error,
                      error_size);
    if (r)
        rules->user_key_algorithms[0] = 0;
    return r;
}

bool login_rules_allow_method(const struct login_rules *rules, const char *method)
{
    return !rules->auth_methods[0] || sp_list_has(sp_text(rules->auth_methods), sp_text(method));
}
