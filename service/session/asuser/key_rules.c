/* Sizes of keys. Input: the rules of helper_open, a key's type and size. Output: a verdict for the log. */
#include "session/asuser/key_rules.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/wire.h>

int key_rules_set_sizes(struct sp_span sizes, struct key_rules *rules)
{
    struct sp_in in = sp_in_of(sizes);
    size_t count = 0;
    while (in.left != 0 && !in.bad) {
        if (count == KEY_RULES_RSA_SIZES_MAX)
            return -EPROTO;
        rules->rsa_bits[count++] = sp_get_u32(&in);
    }
    rules->rsa_bits_count = count;
    return sp_get_end(&in) ? -EPROTO : 0;
}

static int rsa_check(const struct key_rules *rules, unsigned bits, const char **rule, char *why,
                     size_t why_size)
{
    if (bits < rules->rsa_bits_min) {
        *rule = "RequiredRSASize";
        snprintf(why, why_size, "%s: RSA key of %u bits, at least %u", *rule, bits, rules->rsa_bits_min);
        return KEY_RULES_E_REFUSED;
    }
    if (rules->rsa_bits_count == 0)
        return 0;
    for (size_t i = 0; i < rules->rsa_bits_count; i++)
        if (rules->rsa_bits[i] == bits)
            return 0;
    *rule = "AllowedRSASizes";
    int used = snprintf(why, why_size, "%s: RSA key of %u bits, only", *rule, bits);
    for (size_t i = 0; i < rules->rsa_bits_count && used > 0 && (size_t)used < why_size; i++)
        used += snprintf(why + used, why_size - (size_t)used, "%s%u", i ? "," : " ", rules->rsa_bits[i]);
    return KEY_RULES_E_REFUSED;
}

/* Ed25519's keys are of 256 bits, and of that curve: a rule about sizes means them as well. */
int key_rules_check(const struct key_rules *rules, const char *blob_type, unsigned bits, const char **rule,
                    char *why, size_t why_size)
{
    if (strcmp(blob_type, "ssh-rsa") == 0)
        return rsa_check(rules, bits, rule, why, why_size);
    if (bits >= rules->ec_bits_min)
        return 0;
    *rule = "RequiredECSize";
    snprintf(why, why_size, "%s: key of %u bits, at least %u", *rule, bits, rules->ec_bits_min);
    return KEY_RULES_E_REFUSED;
}
