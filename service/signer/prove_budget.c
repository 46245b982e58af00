/* Budgets of proofs. Input: the monitor's connection numbers, which keys were asked for. Output: whether they may be. */
#include "signer/prove_budget.h"

#include <errno.h>

#define BUCKETS 1024u
#define COST_MS_1024 (1024u * 1000u / PROVE_PER_S) /* of one signature, in 1/1024 of a millisecond */

struct entry {
    struct entry *next;
    uint64_t connection;
    uint64_t keys;
};

struct prove_budget {
    struct entry *heads[BUCKETS];
    size_t count;
    uint64_t full_1024; /* when the bucket is full again, in 1/1024 of a millisecond */
};

int prove_budget_new(struct prove_budget **budget)
{
    struct prove_budget *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    *budget = made;
    return 0;
}

/* Connection numbers are the monitor's counter, so their low bits spread by themselves. */
static struct entry **entry_at(struct prove_budget *budget, uint64_t connection)
{
    struct entry **at = &budget->heads[connection % BUCKETS];
    while (*at && (*at)->connection != connection)
        at = &(*at)->next;
    return at;
}

static int entry_make(struct prove_budget *budget, uint64_t connection, struct entry **at)
{
    if (budget->count >= PROVE_CONNECTIONS_MAX)
        return PROVE_E_FULL;
    *at = calloc(1, sizeof **at);
    if (!*at)
        return -ENOMEM;
    (*at)->connection = connection;
    budget->count++;
    return 0;
}

int prove_budget_take(struct prove_budget *budget, uint64_t connection, uint64_t keys)
{
    struct entry **at = entry_at(budget, connection);
    if (*at && ((*at)->keys & keys))
        return PROVE_E_AGAIN;
    int r = *at ? 0 : entry_make(budget, connection, at);
    if (r == 0)
        (*at)->keys |= keys;
    return r;
}

static void entry_drop(struct prove_budget *budget, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    free(entry);
    budget->count--;
}

void prove_budget_forget(struct prove_budget *budget, uint64_t connection)
{
    struct entry **at = entry_at(budget, connection);
    if (*at)
        entry_drop(budget, at);
}

void prove_budget_clear(struct prove_budget *budget)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (budget->heads[i])
            entry_drop(budget, &budget->heads[i]);
}

void prove_budget_free(struct prove_budget *budget)
{
    if (budget)
        prove_budget_clear(budget);
    free(budget);
}

size_t prove_budget_count(const struct prove_budget *budget)
{
    return budget->count;
}

bool prove_budget_spend(struct prove_budget *budget, uint64_t now_ms)
{
    uint64_t now = now_ms * 1024, from = budget->full_1024 > now ? budget->full_1024 : now;
    if (from + COST_MS_1024 - now > (uint64_t)PROVE_BURST * COST_MS_1024)
        return false;
    budget->full_1024 = from + COST_MS_1024;
    return true;
}
