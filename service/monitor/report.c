/* Counts of what another policy would have refused. Input: reports of signer and login processes. Output: a table. */
#include "monitor/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bernstein's hash: addresses are the clients' own, and a table of this size may be searched whole. */
static size_t bucket_of(const char *address)
{
    uint32_t hash = 5381;
    for (; *address; address++)
        hash = hash * 33u ^ (unsigned char)*address;
    return hash % REPORT_BUCKETS;
}

const struct report_client *report_find(const struct report *report, const char *address)
{
    const struct report_client *client = report->buckets[bucket_of(address)];
    while (client && strcmp(client->address, address) != 0)
        client = client->bucket_next;
    return client;
}

static void age_remove(struct report *report, struct report_client *client)
{
    *(client->newer ? &client->newer->older : &report->newest) = client->older;
    *(client->older ? &client->older->newer : &report->oldest) = client->newer;
    client->newer = client->older = NULL;
}

static void age_add(struct report *report, struct report_client *client)
{
    client->older = report->newest;
    *(report->newest ? &report->newest->newer : &report->oldest) = client;
    report->newest = client;
}

static void client_remove(struct report *report, struct report_client *client)
{
    struct report_client **at = &report->buckets[bucket_of(client->address)];
    while (*at != client)
        at = &(*at)->bucket_next;
    *at = client->bucket_next;
    age_remove(report, client);
    report->clients--;
    free(client);
}

static struct report_client *client_make(struct report *report, const char *address, int64_t now)
{
    struct report_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    if (report->clients == REPORT_CLIENTS_MAX) {
        client_remove(report, report->oldest);
        report->forgotten++;
    }
    snprintf(client->address, sizeof client->address, "%s", address);
    client->first = now;
    struct report_client **bucket = &report->buckets[bucket_of(client->address)];
    client->bucket_next = *bucket;
    *bucket = client;
    report->clients++;
    return client;
}

static void kind_count(struct report_client *client, struct sp_span what)
{
    size_t at = 0;
    while (at < client->kinds && !sp_span_is(what, client->by_kind[at].what))
        at++;
    if (at == REPORT_KINDS_MAX)
        at--;
    if (at == client->kinds) {
        snprintf(client->by_kind[at].what, sizeof client->by_kind[at].what, "%.*s", (int)what.size,
                 (const char *)what.data);
        client->kinds++;
    }
    client->by_kind[at].count++;
}

int report_add(struct report *report, const char *address, struct sp_span what, struct sp_span detail,
               int64_t now)
{
    struct report_client *client = (struct report_client *)(uintptr_t)report_find(report, address);
    if (client)
        age_remove(report, client);
    else
        client = client_make(report, address, now);
    if (!client)
        return -ENOMEM;
    age_add(report, client);
    client->last = now;
    client->count++;
    report->count++;
    kind_count(client, what);
    snprintf(client->detail, sizeof client->detail, "%.*s",
             (int)size_min(detail.size, sizeof client->detail - 1),
             detail.size != 0 ? (const char *)detail.data : "");
    return 0;
}

void report_free(struct report *report)
{
    while (report->newest)
        client_remove(report, report->newest);
}
