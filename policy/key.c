/*
 * The rules about keys, which no name of an algorithm tells. Input: the type that begins a key's blob and its size.
 * Output: whether it may be used. A certificate has the size of the key inside it.
 */
#include <inttypes.h>

#include "policy/error.h"
#include "policy/rules.h"

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_allowed_size(const struct policy_rules *rules, unsigned bits)
{
    bool is_allowed = rules->rsa_bits_count == 0;
    for (size_t i = 0; i < rules->rsa_bits_count; i++)
        is_allowed = is_allowed || rules->rsa_bits[i] == bits;
    return is_allowed;
}

static int refuse_size(const struct policy_rules *rules, enum policy_rule rule, const char *what,
                       unsigned bits, struct policy_error *error)
{
    char place[POLICY_ORIGIN_MAX], wanted[160];
    rule_text(rule, rules, wanted, sizeof wanted);
    return policy_refuse(error, NULL, "%s (%s): %s key of %u bits, %s %s", policy_rule_keyword(rule),
                         policy_origin_text(rules->origins[rule], place), what, bits,
                         rule == POLICY_RSA_SIZES ? "expected one of" : "at least", wanted);
}

int policy_check_key(const struct policy_rules *rules, const char *blob_type, unsigned bits,
                     struct policy_error *error)
{
    bool is_rsa = begins(blob_type, "ssh-rsa");
    bool is_ec = begins(blob_type, "ecdsa-sha2-") || begins(blob_type, "sk-ecdsa-sha2-") ||
                 begins(blob_type, "ssh-ed25519") || begins(blob_type, "sk-ssh-ed25519");
    if (is_rsa && bits < RULE_RSA_FLOOR && rules->rsa_bits_min <= RULE_RSA_FLOOR)
        return policy_refuse(error, NULL, "an RSA key of %u bits, at least %u in any policy", bits,
                             RULE_RSA_FLOOR);
    if (is_rsa && bits < rules->rsa_bits_min)
        return refuse_size(rules, POLICY_RSA_SIZE, "an RSA", bits, error);
    if (is_rsa && !has_allowed_size(rules, bits))
        return refuse_size(rules, POLICY_RSA_SIZES, "an RSA", bits, error);
    if (is_ec && bits < rules->ec_bits_min)
        return refuse_size(rules, POLICY_EC_SIZE, "an elliptic curve", bits, error);
    return 0;
}
