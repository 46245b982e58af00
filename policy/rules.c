/*
 * The table of rules: keyword, how a value is read, printed and compared. Input: arguments of a line. Output: fields of
 * struct policy_rules, where zero is "no such rule". Values have one form each (sorted, without repetitions), so that
 * equal rules print alike.
 */
#include "policy/rules.h"

#include <inttypes.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/decimal.h"

#define REKEY_OCTETS_MIN 1024u
#define REKEY_OCTETS_MAX (UINT64_C(1) << 60)
#define REKEY_SECONDS_MAX 31536000u /* a year */
#define BITS_EXPECTED "a number of bits"

struct row {
    const char *keyword;
    const char *expected;
    size_t arguments_max;
    size_t field; /* offset in struct policy_rules, for the kinds of values that many rules have */
    uint32_t min, max;
    bool (*parse)(const struct row *row, const char *const *arguments, size_t count,
                  struct policy_rules *rules);
    bool (*is_set)(const struct row *row, const struct policy_rules *rules);
    void (*print)(const struct row *row, const struct policy_rules *rules, FILE *out);
    bool (*is_looser)(const struct row *row, const struct policy_rules *outer,
                      const struct policy_rules *inner);
};

/* ---- numbers of bits ---- */

static uint32_t bits_of(const struct row *row, const struct policy_rules *rules)
{
    uint32_t bits;
    memcpy(&bits, (const char *)rules + row->field, sizeof bits);
    return bits;
}

static bool bits_parse(const struct row *row, const char *const *arguments, size_t count,
                       struct policy_rules *rules)
{
    uint64_t number = 0;
    if (!decimal_parse(arguments[0], row->max, &number) || number < row->min)
        return false;
    uint32_t bits = (uint32_t)number;
    memcpy((char *)rules + row->field, &bits, sizeof bits);
    return true;
}

static bool bits_are_set(const struct row *row, const struct policy_rules *rules)
{
    return bits_of(row, rules) != 0;
}

static void bits_print(const struct row *row, const struct policy_rules *rules, FILE *out)
{
    fprintf(out, "%" PRIu32, bits_of(row, rules));
}

/* What no build goes below is no rule: 0 and the minimum are the same. */
static bool bits_are_looser(const struct row *row, const struct policy_rules *outer,
                            const struct policy_rules *inner)
{
    uint32_t most = bits_of(row, outer), least = bits_of(row, inner);
    return (least > row->min ? least : row->min) < (most > row->min ? most : row->min);
}

/* ---- yes or no ---- */

static bool flag_of(const struct row *row, const struct policy_rules *rules)
{
    return *(const bool *)((const char *)rules + row->field);
}

static bool flag_parse(const struct row *row, const char *const *arguments, size_t count,
                       struct policy_rules *rules)
{
    bool is_yes = strcasecmp(arguments[0], "yes") == 0;
    if (!is_yes && strcasecmp(arguments[0], "no") != 0)
        return false;
    *(bool *)((char *)rules + row->field) = is_yes;
    return true;
}

static void flag_print(const struct row *row, const struct policy_rules *rules, FILE *out)
{
    fputs(flag_of(row, rules) ? "yes" : "no", out);
}

static bool flag_is_looser(const struct row *row, const struct policy_rules *outer,
                           const struct policy_rules *inner)
{
    return flag_of(row, outer) && !flag_of(row, inner);
}

/* ---- AllowedRSASizes ---- */

static bool has_size(const struct policy_rules *rules, uint32_t bits)
{
    for (size_t i = 0; i < rules->rsa_bits_count; i++)
        if (rules->rsa_bits[i] == bits)
            return true;
    return false;
}

/* Keeps them sorted. False: there are too many. */
static bool sizes_add(struct policy_rules *rules, uint32_t bits)
{
    size_t at = rules->rsa_bits_count;
    if (has_size(rules, bits))
        return true;
    if (at == POLICY_RSA_SIZES_MAX)
        return false;
    for (; at > 0 && rules->rsa_bits[at - 1] > bits; at--)
        rules->rsa_bits[at] = rules->rsa_bits[at - 1];
    rules->rsa_bits[at] = bits;
    rules->rsa_bits_count++;
    return true;
}

static bool sizes_take(struct policy_rules *made, struct sp_span item, const struct row *row)
{
    char digits[8];
    uint64_t bits = 0;
    if (item.size >= sizeof digits)
        return false;
    memcpy(digits, item.data, item.size);
    digits[item.size] = '\0';
    return decimal_parse(digits, row->max, &bits) && bits >= row->min && sizes_add(made, (uint32_t)bits);
}

static bool sizes_parse(const struct row *row, const char *const *arguments, size_t count,
                        struct policy_rules *rules)
{
    struct policy_rules made = {0};
    struct sp_span list = sp_text(arguments[0]);
    if (strcasecmp(arguments[0], "any") == 0)
        list = (struct sp_span){0};
    else if (list.size == 0 || list.data[list.size - 1] == ',')
        return false;
    while (list.size != 0)
        if (!sizes_take(&made, sp_next_name(&list), row))
            return false;
    memcpy(rules->rsa_bits, made.rsa_bits, sizeof made.rsa_bits);
    rules->rsa_bits_count = made.rsa_bits_count;
    return true;
}

static bool sizes_are_set(const struct row *row, const struct policy_rules *rules)
{
    return rules->rsa_bits_count != 0;
}

static void sizes_print(const struct row *row, const struct policy_rules *rules, FILE *out)
{
    if (rules->rsa_bits_count == 0)
        fputs("any", out);
    for (size_t i = 0; i < rules->rsa_bits_count; i++)
        fprintf(out, "%s%" PRIu32, i == 0 ? "" : ",", rules->rsa_bits[i]);
}

static bool sizes_are_looser(const struct row *row, const struct policy_rules *outer,
                             const struct policy_rules *inner)
{
    if (outer->rsa_bits_count == 0)
        return false;
    for (size_t i = 0; i < inner->rsa_bits_count; i++)
        if (!has_size(outer, inner->rsa_bits[i]))
            return true;
    return inner->rsa_bits_count == 0;
}

/* ---- RekeyLimit ---- */

static bool rekey_octets(const char *text, uint64_t *octets)
{
    *octets = 0;
    if (strcasecmp(text, "default") == 0)
        return true;
    return octets_parse(text, REKEY_OCTETS_MAX, octets) && *octets >= REKEY_OCTETS_MIN;
}

static bool rekey_parse(const struct row *row, const char *const *arguments, size_t count,
                        struct policy_rules *rules)
{
    uint64_t octets = 0;
    uint32_t seconds = 0;
    if (!rekey_octets(arguments[0], &octets))
        return false;
    if (count == 2 && strcasecmp(arguments[1], "none") != 0 &&
        (!duration_parse(arguments[1], &seconds) || seconds == 0 || seconds > REKEY_SECONDS_MAX))
        return false;
    rules->rekey_octets = octets;
    rules->rekey_s = seconds;
    return true;
}

static bool rekey_is_set(const struct row *row, const struct policy_rules *rules)
{
    return rules->rekey_octets != 0 || rules->rekey_s != 0;
}

static void rekey_print(const struct row *row, const struct policy_rules *rules, FILE *out)
{
    if (rules->rekey_octets == 0)
        fputs("default", out);
    else
        fprintf(out, "%" PRIu64, rules->rekey_octets);
    if (rules->rekey_s == 0)
        fputs(" none", out);
    else
        fprintf(out, " %" PRIu32, rules->rekey_s);
}

static bool is_above(uint64_t inner, uint64_t outer)
{
    return outer != 0 && (inner == 0 || inner > outer);
}

static bool rekey_is_looser(const struct row *row, const struct policy_rules *outer,
                            const struct policy_rules *inner)
{
    return is_above(inner->rekey_octets, outer->rekey_octets) || is_above(inner->rekey_s, outer->rekey_s);
}

/* ---- AllowedAuthenticationMethods ---- */

static const char *const methods[] = {"publickey", "password", "keyboard-interactive"};

static bool methods_known(struct sp_span list)
{
    if (list.size == 0 || list.data[list.size - 1] == ',')
        return false;
    while (list.size != 0) {
        struct sp_span name = sp_next_name(&list);
        size_t at = 0;
        while (at < ARRAY_SIZE(methods) && !sp_span_is(name, methods[at]))
            at++;
        if (at == ARRAY_SIZE(methods))
            return false;
    }
    return true;
}

static bool methods_parse(const struct row *row, const char *const *arguments, size_t count,
                          struct policy_rules *rules)
{
    struct sp_span list = sp_text(arguments[0]);
    struct sp_out made = {.data = (uint8_t *)rules->auth_methods, .capacity = sizeof rules->auth_methods - 1};
    bool is_any = strcasecmp(arguments[0], "any") == 0;
    if (!is_any && !methods_known(list))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (is_any || !sp_list_has(list, sp_text(methods[i])))
            continue;
        if (made.size != 0)
            sp_put_u8(&made, ',');
        sp_put_raw(&made, sp_text(methods[i]));
    }
    rules->auth_methods[made.size] = '\0';
    return true;
}

static bool methods_are_set(const struct row *row, const struct policy_rules *rules)
{
    return rules->auth_methods[0] != '\0';
}

static void methods_print(const struct row *row, const struct policy_rules *rules, FILE *out)
{
    fputs(rules->auth_methods[0] != '\0' ? rules->auth_methods : "any", out);
}

static bool methods_are_looser(const struct row *row, const struct policy_rules *outer,
                               const struct policy_rules *inner)
{
    struct sp_span allowed = sp_text(outer->auth_methods), list = sp_text(inner->auth_methods);
    if (allowed.size == 0)
        return false;
    bool looser = list.size == 0;
    while (list.size != 0)
        looser = !sp_list_has(allowed, sp_next_name(&list)) || looser;
    return looser;
}

/* ---- the table ---- */

#define FIELD(name_) offsetof(struct policy_rules, name_)
#define BITS(keyword_, field_, min_, max_)                                                                   \
    {                                                                                                        \
        .keyword = keyword_, .expected = BITS_EXPECTED " from " #min_ " to " #max_, .arguments_max = 1,      \
        .field = FIELD(field_), .min = min_, .max = max_, .parse = bits_parse, .is_set = bits_are_set,       \
        .print = bits_print, .is_looser = bits_are_looser                                                    \
    }
#define FLAG(keyword_, field_)                                                                               \
    {                                                                                                        \
        .keyword = keyword_, .expected = "yes or no", .arguments_max = 1, .field = FIELD(field_),            \
        .parse = flag_parse, .is_set = flag_of, .print = flag_print, .is_looser = flag_is_looser             \
    }

static const struct row rows[POLICY_RULES] = {
    [POLICY_RSA_SIZE] = BITS("RequiredRSASize", rsa_bits_min, 2048, 16384),
    [POLICY_RSA_SIZES] = {.keyword = "AllowedRSASizes",
                          .expected =
                              "\"any\", or at most 8 numbers of bits from 2048 to 16384 such as 3072,4096",
                          .arguments_max = 1,
                          .min = 2048,
                          .max = 16384,
                          .parse = sizes_parse,
                          .is_set = sizes_are_set,
                          .print = sizes_print,
                          .is_looser = sizes_are_looser},
    [POLICY_EC_SIZE] = BITS("RequiredECSize", ec_bits_min, 256, 521),
    [POLICY_DH_SIZE] = BITS("RequiredDHSize", dh_bits_min, 2048, 8192),
    [POLICY_REKEY_LIMIT] = {.keyword = "RekeyLimit",
                            .expected =
                                "\"default\" or octets such as 512M (from 1K to 2^60), then perhaps \"none\" "
                                "or a time such as 1h (up to a year)",
                            .arguments_max = 2,
                            .parse = rekey_parse,
                            .is_set = rekey_is_set,
                            .print = rekey_print,
                            .is_looser = rekey_is_looser},
    [POLICY_POST_QUANTUM] = FLAG("RequirePostQuantum", post_quantum),
    [POLICY_STRICT_KEX] = FLAG("RequireStrictKex", strict_kex),
    [POLICY_HOST_CERTIFICATES] = FLAG("RequireHostCertificates", host_certificates),
    [POLICY_CONSTANT_CIPHER] = FLAG("RequireConstantCipher", constant_cipher),
    [POLICY_FIPS_PROVIDER] = FLAG("RequireFIPSProvider", fips_provider),
    [POLICY_AUTH_METHODS] = {.keyword = "AllowedAuthenticationMethods",
                             .expected = "\"any\", or a list of publickey, password and keyboard-interactive",
                             .arguments_max = 1,
                             .parse = methods_parse,
                             .is_set = methods_are_set,
                             .print = methods_print,
                             .is_looser = methods_are_looser},
};

const char *policy_rule_keyword(enum policy_rule rule)
{
    return rows[rule].keyword;
}

enum policy_rule rule_find(const char *keyword)
{
    enum policy_rule rule = 0;
    while (rule < POLICY_RULES && strcasecmp(rows[rule].keyword, keyword) != 0)
        rule++;
    return rule;
}

bool rule_parse(enum policy_rule rule, const char *const *arguments, size_t count, struct policy_rules *rules)
{
    const struct row *row = &rows[rule];
    return count >= 1 && count <= row->arguments_max && row->parse(row, arguments, count, rules);
}

const char *rule_expected(enum policy_rule rule)
{
    return rows[rule].expected;
}

bool rule_is_set(enum policy_rule rule, const struct policy_rules *rules)
{
    return rows[rule].is_set(&rows[rule], rules);
}

void rule_print(enum policy_rule rule, const struct policy_rules *rules, FILE *out)
{
    rows[rule].print(&rows[rule], rules, out);
}

void rule_text(enum policy_rule rule, const struct policy_rules *rules, char *text, size_t size)
{
    text[0] = '\0';
    FILE *out = fmemopen(text, size, "w");
    if (!out)
        return;
    rule_print(rule, rules, out);
    fclose(out);
    text[size - 1] = '\0';
}

bool rule_is_looser(enum policy_rule rule, const struct policy_rules *outer, const struct policy_rules *inner)
{
    return rows[rule].is_looser(&rows[rule], outer, inner);
}
