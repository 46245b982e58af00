/* Counting by names of the registry, and by duration. Input: names that were negotiated, as the signer says them. */
#include "monitor/metrics.h"

#include <string.h>

#include "base/util.h"

#define KEX(symbol, name) name,
static const char *const kex_names[] = {
#include "modules/registry.def"
};
#define KEYTYPE(symbol, name) name,
static const char *const keytype_names[] = {
#include "modules/registry.def"
};
#define CIPHER(symbol, name) name,
static const char *const cipher_names[] = {
#include "modules/registry.def"
};
/* A cipher that authenticates by itself has no MAC: the signer says "implicit" then. */
#define MAC(symbol, name) name,
static const char *const mac_names[] = {
    "implicit",
#include "modules/registry.def"
};
#define AUTH(symbol, name) name,
static const char *const method_names[] = {
#include "modules/registry.def"
};

static const struct {
    const char *const *names;
    size_t count;
} tables[METRIC_KINDS] = {
    [METRIC_KEX] = {kex_names, ARRAY_SIZE(kex_names)},
    [METRIC_HOST_KEY] = {keytype_names, ARRAY_SIZE(keytype_names)},
    [METRIC_CIPHER] = {cipher_names, ARRAY_SIZE(cipher_names)},
    [METRIC_MAC] = {mac_names, ARRAY_SIZE(mac_names)},
    [METRIC_METHOD] = {method_names, ARRAY_SIZE(method_names)},
};

_Static_assert(ARRAY_SIZE(kex_names) <= METRIC_NAMES_MAX && ARRAY_SIZE(keytype_names) <= METRIC_NAMES_MAX &&
                   ARRAY_SIZE(cipher_names) <= METRIC_NAMES_MAX &&
                   ARRAY_SIZE(mac_names) <= METRIC_NAMES_MAX && ARRAY_SIZE(method_names) <= METRIC_NAMES_MAX,
               "METRIC_NAMES_MAX");

const char *metric_name_at(enum metric_kind kind, size_t index)
{
    if (index < tables[kind].count)
        return tables[kind].names[index];
    return index == tables[kind].count ? "other" : NULL;
}

void metric_name_count(struct metric_names *names, enum metric_kind kind, struct sp_span name)
{
    size_t i = 0;
    while (i < tables[kind].count && !sp_span_is(name, tables[kind].names[i]))
        i++;
    names->count[i]++;
}

/* What the names of such methods have in them; a test compares with what the methods say of themselves. */
bool metric_is_post_quantum(struct sp_span kex)
{
    static const char *const words[] = {"mlkem", "sntrup"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (memmem(kex.data, kex.size, words[i], strlen(words[i])))
            return true;
    return false;
}

const uint64_t metric_bounds_us[METRIC_BUCKETS] = {1000,   2500,   5000,   10000,   25000,   50000,
                                                   100000, 250000, 500000, 1000000, 2500000, 10000000};

void metric_histogram_add(struct metric_histogram *histogram, uint64_t us)
{
    histogram->count++;
    histogram->sum_us += us;
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        if (us <= metric_bounds_us[i]) {
            histogram->buckets[i]++;
            return;
        }
    }
}
