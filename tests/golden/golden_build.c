/*
 * Input: the registry's names and the tables of distributions.h. Output: the lists of struct policy_build. No module is
 * asked what works on the running machine, so every machine makes the same lists.
 */
#include "golden_build.h"

#include <sallyport/wire.h>

#include "base/wildcard.h"

struct row {
    unsigned kinds;
    const char *name;
};

#define KIND(kind_) (1u << (kind_))
#define KEYS (KIND(POLICY_HOST_KEY) | KIND(POLICY_USER_KEY) | KIND(POLICY_CA_KEY))

static const struct row rows[] = {
#define KEX(symbol_, name_) {KIND(POLICY_KEX), name_},
#define CIPHER(symbol_, name_) {KIND(POLICY_CIPHER), name_},
#define MAC(symbol_, name_) {KIND(POLICY_MAC), name_},
#define COMPRESSION(symbol_, name_) {KIND(POLICY_COMPRESSION), name_},
#define KEYTYPE(symbol_, name_) {KEYS, name_},
#include "../modules/registry.def"
    {KIND(POLICY_COMPRESSION), "none"},
};

static bool matches_any(const char *name, const char *patterns)
{
    struct sp_span list = sp_text(patterns);
    while (list.size != 0)
        if (wildcard_matches(sp_text(name), sp_next_name(&list)))
            return true;
    return false;
}

static void append(char list[POLICY_LIST_MAX], const char *name)
{
    size_t used = strlen(list);
    if (used + 1 + strlen(name) >= POLICY_LIST_MAX)
        abort();
    if (used != 0)
        list[used++] = ',';
    stpcpy(list + used, name);
}

static bool is_available(enum policy_kind kind, const char *name, const struct distribution *distribution,
                         const struct token *token)
{
    if (kind == POLICY_KEX)
        return !matches_any(name, distribution->lacking_kexes);
    return kind != POLICY_HOST_KEY || matches_any(name, token->host_keys);
}

static void add_row(struct golden_build *golden, enum policy_kind kind, const char *name,
                    const struct distribution *distribution, const struct token *token)
{
    append(golden->known[kind], name);
    if (is_available(kind, name, distribution, token))
        append(golden->available[kind], name);
}

void golden_build_init(struct golden_build *golden, const struct distribution *distribution,
                       const struct token *token)
{
    *golden = (struct golden_build){.build = {.fips_provider = distribution->fips_provider}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
            if (rows[i].kinds & KIND(kind))
                add_row(golden, kind, rows[i].name, distribution, token);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].kinds == KIND(POLICY_KEX) && matches_any(rows[i].name, POST_QUANTUM_KEXES) &&
            is_available(POLICY_KEX, rows[i].name, distribution, token))
            append(golden->post_quantum, rows[i].name);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        golden->build.known[kind] = golden->known[kind];
        golden->build.available[kind] = golden->available[kind];
    }
    golden->build.post_quantum = golden->post_quantum;
}
