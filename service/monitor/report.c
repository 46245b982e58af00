/* Counts of what another policy would have refused. Input: reports of signer and login processes. Output: a table. */
#include "monitor/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/wire.h>

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

/* ---- from one monitor to the next ------------------------------------------------------------------------------- */

static void client_write(const struct report_client *client, struct sp_out *out)
{
    sp_put_text(out, client->address);
    sp_put_u64(out, (uint64_t)client->first);
    sp_put_u64(out, (uint64_t)client->last);
    sp_put_u64(out, client->count);
    sp_put_text(out, client->detail);
    sp_put_u32(out, (uint32_t)client->kinds);
    for (size_t i = 0; i < client->kinds; i++) {
        sp_put_text(out, client->by_kind[i].what);
        sp_put_u64(out, client->by_kind[i].count);
    }
}

void report_write(const struct report *report, struct sp_out *out)
{
    sp_put_u64(out, report->count);
    sp_put_u64(out, report->forgotten);
    sp_put_u32(out, (uint32_t)report->clients);
    for (const struct report_client *client = report->oldest; client; client = client->newer)
        client_write(client, out);
}

/* A text's place is full of zeros before, and one longer than what may stand in it. */
static void text_read(char *to, size_t size, struct sp_in *in)
{
    struct sp_span text = sp_get_text(in, size - 1);
    if (text.size != 0)
        memcpy(to, text.data, text.size);
}

static bool client_parse(struct report_client *client, struct sp_in *in)
{
    text_read(client->address, sizeof client->address, in);
    client->first = (int64_t)sp_get_u64(in);
    client->last = (int64_t)sp_get_u64(in);
    client->count = sp_get_u64(in);
    text_read(client->detail, sizeof client->detail, in);
    uint32_t kinds = sp_get_u32(in);
    if (in->bad || kinds > REPORT_KINDS_MAX)
        return false;
    for (client->kinds = 0; client->kinds < kinds; client->kinds++) {
        struct report_count *count = &client->by_kind[client->kinds];
        text_read(count->what, sizeof count->what, in);
        count->count = sp_get_u64(in);
    }
    return !in->bad;
}

static int client_read(struct report *report, struct sp_in *in)
{
    struct report_client read = {0};
    if (!client_parse(&read, in) || report_find(report, read.address))
        return -EINVAL;
    struct report_client *client = client_make(report, read.address, read.first);
    if (!client)
        return -ENOMEM;
    client->last = read.last;
    client->count = read.count;
    client->kinds = read.kinds;
    memcpy(client->by_kind, read.by_kind, sizeof read.by_kind);
    memcpy(client->detail, read.detail, sizeof read.detail);
    age_add(report, client);
    return 0;
}

int report_read(struct report *report, struct sp_span packed)
{
    struct sp_in in = sp_in_of(packed);
    uint64_t count = sp_get_u64(&in), forgotten = sp_get_u64(&in);
    uint32_t clients = sp_get_u32(&in);
    int r = in.bad || clients > REPORT_CLIENTS_MAX ? -EINVAL : 0;
    for (uint32_t i = 0; r == 0 && i < clients; i++)
        r = client_read(report, &in);
    if (r == 0 && sp_get_end(&in))
        r = -EINVAL;
    if (r) {
        report_free(report);
        return r;
    }
    report->count = count;
    report->forgotten = forgotten;
    return 0;
}

void report_free(struct report *report)
{
    while (report->newest)
        client_remove(report, report->newest);
}
