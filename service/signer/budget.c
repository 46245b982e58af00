/* Budgets by connection. Input: the monitor's connection numbers. Output: when a request may go to the token. */
#include "signer/budget.h"

#include <errno.h>

#define BUCKETS 1024u
#define SWEEP_AT 4096u /* entries; a sweep forgets those that have recovered */
#define COST_MS (1000u / BUDGET_PER_S)

/*
 * The bucket as a time: `full_ms` is when it will be full again if nothing more were taken. Each request moves it by
 * COST_MS, and a request may go as soon as it is at most BUDGET_BURST * COST_MS ahead of the clock.
 */
struct entry {
    struct entry *next;
    uint64_t connection;
    uint64_t full_ms;
    struct request *outstanding;
};

struct budget {
    struct entry *heads[BUCKETS];
    size_t count;
    size_t sweep_at;
};

int budget_new(struct budget **budget)
{
    struct budget *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->sweep_at = SWEEP_AT;
    *budget = made;
    return 0;
}

void budget_free(struct budget *budget)
{
    for (size_t i = 0; budget && i < BUCKETS; i++)
        for (struct entry *entry = budget->heads[i], *next; entry; entry = next) {
            next = entry->next;
            free(entry);
        }
    free(budget);
}

/* Connection numbers are the monitor's counter, so their low bits spread by themselves. */
static struct entry **entry_at(struct budget *budget, uint64_t connection)
{
    struct entry **at = &budget->heads[connection % BUCKETS];
    while (*at && (*at)->connection != connection)
        at = &(*at)->next;
    return at;
}

static void entry_drop(struct budget *budget, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    free(entry);
    budget->count--;
}

/* Forgetting who has recovered changes nothing, so the table needs no other bound than the rate of requests. */
static void budget_sweep(struct budget *budget, uint64_t now_ms)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry **at = &budget->heads[i]; *at;) {
            if (!(*at)->outstanding && (*at)->full_ms <= now_ms)
                entry_drop(budget, at);
            else
                at = &(*at)->next;
        }
    budget->sweep_at = size_max(SWEEP_AT, budget->count * 2);
}

int budget_take(struct budget *budget, uint64_t connection, uint64_t now_ms, struct request *request,
                uint64_t *release_ms)
{
    if (budget->count >= budget->sweep_at)
        budget_sweep(budget, now_ms);
    struct entry **at = entry_at(budget, connection);
    if (*at && (*at)->outstanding)
        return BUDGET_E_OUTSTANDING;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        if (!*at)
            return -ENOMEM;
        (*at)->connection = connection;
        budget->count++;
    }
    struct entry *entry = *at;
    uint64_t from = entry->full_ms > now_ms ? entry->full_ms : now_ms;
    entry->full_ms = from + COST_MS;
    entry->outstanding = request;
    uint64_t ahead = entry->full_ms - now_ms, allowed = (uint64_t)BUDGET_BURST * COST_MS;
    *release_ms = ahead > allowed ? now_ms + (ahead - allowed) : now_ms;
    return 0;
}

struct request *budget_outstanding(const struct budget *budget, uint64_t connection)
{
    const struct entry *entry = budget->heads[connection % BUCKETS];
    while (entry && entry->connection != connection)
        entry = entry->next;
    return entry ? entry->outstanding : NULL;
}

void budget_done(struct budget *budget, uint64_t connection)
{
    struct entry **at = entry_at(budget, connection);
    if (*at)
        (*at)->outstanding = NULL;
}

void budget_forget(struct budget *budget, uint64_t connection)
{
    struct entry **at = entry_at(budget, connection);
    if (*at)
        entry_drop(budget, at);
}

size_t budget_count(const struct budget *budget)
{
    return budget->count;
}
