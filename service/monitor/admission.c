/*
 * Admission. Input: the addresses of clients, which choose them; so everything kept here is bounded by the connections
 * that are open and by ADMISSION_PENALTIES_MAX.
 */
#include "monitor/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

struct admission_source {
    struct admission_source *next;
    struct address_block from;
    uint32_t held;
    struct admission_ticket *oldest, *newest;
    uint64_t penalty_until_ms;
    uint32_t penalty_ms; /* its length */
};

/* FNV-1a over the block. Clients can aim at one chain, of at most as many sources as may be held at all. */
static size_t bucket_of(const struct address_block *from)
{
    uint32_t hash = 2166136261u ^ from->family;
    for (size_t i = 0; i < sizeof from->bytes; i++)
        hash = (hash ^ from->bytes[i]) * 16777619u;
    return (hash ^ hash >> 16) % ADMISSION_BUCKETS;
}

static struct admission_source *source_find(const struct admission *a, const struct address_block *from)
{
    struct admission_source *source = a->buckets[bucket_of(from)];
    while (source && !address_block_equal(&source->from, from))
        source = source->next;
    return source;
}

static void source_remove(struct admission *a, struct admission_source *source)
{
    struct admission_source **at = &a->buckets[bucket_of(&source->from)];
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    free(source);
}

static struct admission_source *source_add(struct admission *a, const struct address_block *from)
{
    struct admission_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    struct admission_source **bucket = &a->buckets[bucket_of(from)];
    source->from = *from;
    source->next = *bucket;
    *bucket = source;
    return source;
}

static bool source_is_remembered(const struct admission_source *source, uint64_t now_ms)
{
    return source->penalty_ms != 0 && source->penalty_until_ms + ADMISSION_MEMORY_MS > now_ms;
}

static struct admission_source *source_heaviest(const struct admission *a)
{
    struct admission_source *heaviest = NULL;
    for (size_t i = 0; i < ADMISSION_BUCKETS; i++)
        for (struct admission_source *s = a->buckets[i]; s; s = s->next)
            if (!heaviest || s->held > heaviest->held)
                heaviest = s;
    return heaviest;
}

/* Random early drop: from `rate` percent at `begin`, growing linearly to all of them at `full`. */
static bool startups_exceeded(uint32_t startups, const struct admission_limits *limits, uint32_t dice)
{
    if (startups < limits->begin)
        return false;
    if (startups >= limits->full || limits->rate >= 100)
        return true;
    uint64_t percent =
        (uint64_t)(100 - limits->rate) * (startups - limits->begin) / (limits->full - limits->begin);
    return dice < percent + limits->rate;
}

enum admission_verdict admission_check(const struct admission *a, const struct admission_limits *limits,
                                       const struct address_block *from, uint32_t dice, uint64_t now_ms,
                                       struct admission_ticket **victim)
{
    const struct admission_source *source = source_find(a, from);
    uint32_t held = source ? source->held : 0;
    if (source && source->penalty_until_ms > now_ms)
        return ADMISSION_E_PENALTY;
    if (a->connections >= limits->connections)
        return ADMISSION_E_CONNECTIONS;
    if (held >= limits->per_source)
        return ADMISSION_E_PER_SOURCE;
    if (!startups_exceeded(a->startups, limits, dice))
        return ADMISSION_OK;
    const struct admission_source *heaviest = source_heaviest(a);
    if (!heaviest || heaviest->held <= held + 1)
        return ADMISSION_E_STARTUPS;
    *victim = heaviest->oldest;
    return ADMISSION_E_REPLACE;
}

int admission_enter(struct admission *a, const struct address_block *from, struct admission_ticket *ticket)
{
    struct admission_source *source = source_find(a, from);
    if (source && source->held == 0)
        a->penalties--;
    if (!source)
        source = source_add(a, from);
    if (!source)
        return -ENOMEM;
    *ticket = (struct admission_ticket){.source = source, .older = source->newest};
    if (source->newest)
        source->newest->newer = ticket;
    else
        source->oldest = ticket;
    source->newest = ticket;
    source->held++;
    a->startups++;
    return 0;
}

void admission_leave(struct admission *a, struct admission_ticket *ticket, uint64_t now_ms)
{
    struct admission_source *source = ticket->source;
    if (!source)
        return;
    *(ticket->older ? &ticket->older->newer : &source->oldest) = ticket->newer;
    *(ticket->newer ? &ticket->newer->older : &source->newest) = ticket->older;
    *ticket = (struct admission_ticket){0};
    a->startups--;
    if (--source->held != 0)
        return;
    if (source_is_remembered(source, now_ms))
        a->penalties++;
    else
        source_remove(a, source);
}

/* Forgets penalties that are over; if none is, all of them: being lenient is better than growing. */
static void penalties_sweep(struct admission *a, uint64_t now_ms)
{
    bool over = false;
    for (int pass = 0; pass < 2 && !over; pass++) {
        for (size_t i = 0; i < ADMISSION_BUCKETS; i++) {
            for (struct admission_source *s = a->buckets[i], *next; s; s = next) {
                next = s->next;
                if (s->held != 0 || (pass == 0 && source_is_remembered(s, now_ms)))
                    continue;
                a->penalties--;
                over = true;
                source_remove(a, s);
            }
        }
    }
}

void admission_penalise(struct admission *a, const struct address_block *from, uint64_t now_ms)
{
    struct admission_source *source = source_find(a, from);
    if (!source) {
        if (a->penalties >= ADMISSION_PENALTIES_MAX)
            penalties_sweep(a, now_ms);
        source = source_add(a, from);
        if (!source)
            return;
        a->penalties++;
    }
    uint32_t again_ms = source_is_remembered(source, now_ms) ? source->penalty_ms * 2 : ADMISSION_PENALTY_MS;
    source->penalty_ms = again_ms < ADMISSION_PENALTY_MAX_MS ? again_ms : ADMISSION_PENALTY_MAX_MS;
    source->penalty_until_ms = now_ms + source->penalty_ms;
}

uint32_t admission_penalised(const struct admission *a, uint64_t now_ms)
{
    uint32_t count = 0;
    for (size_t i = 0; i < ADMISSION_BUCKETS; i++)
        for (const struct admission_source *s = a->buckets[i]; s; s = s->next)
            count += s->penalty_until_ms > now_ms ? 1u : 0u;
    return count;
}

/* ---- from one monitor to the next ------------------------------------------------------------------------------- */

static void source_write(const struct admission_source *source, struct sp_out *out)
{
    sp_put_u8(out, source->from.family);
    sp_put_raw(out, sp_span_of(source->from.bytes, sizeof source->from.bytes));
    sp_put_u64(out, source->penalty_until_ms);
    sp_put_u32(out, source->penalty_ms);
}

/* Number by number until the end: there is no count that could be wrong. */
void admission_write(const struct admission *a, uint64_t now_ms, struct sp_out *out)
{
    unsigned written = 0;
    for (size_t i = 0; i < ADMISSION_BUCKETS; i++)
        for (const struct admission_source *s = a->buckets[i]; s && written < ADMISSION_PENALTIES_MAX;
             s = s->next)
            if (source_is_remembered(s, now_ms)) {
                source_write(s, out);
                written++;
            }
}

static int source_read(struct admission *a, struct sp_in *in, uint64_t now_ms)
{
    struct address_block from = {.family = sp_get_u8(in)};
    struct sp_span octets = sp_get_raw(in, sizeof from.bytes);
    uint64_t until_ms = sp_get_u64(in);
    uint32_t penalty_ms = sp_get_u32(in);
    if (in->bad || penalty_ms == 0 || penalty_ms > ADMISSION_PENALTY_MAX_MS ||
        until_ms > now_ms + ADMISSION_PENALTY_MAX_MS || a->penalties >= ADMISSION_PENALTIES_MAX)
        return -EINVAL;
    memcpy(from.bytes, octets.data, octets.size);
    if (source_find(a, &from))
        return -EINVAL;
    struct admission_source *source = source_add(a, &from);
    if (!source)
        return -ENOMEM;
    source->penalty_until_ms = until_ms;
    source->penalty_ms = penalty_ms;
    a->penalties++;
    return 0;
}

int admission_read(struct admission *a, struct sp_span packed, uint64_t now_ms)
{
    struct sp_in in = sp_in_of(packed);
    int r = 0;
    while (r == 0 && in.left != 0)
        r = source_read(a, &in, now_ms);
    return r;
}

void admission_free(struct admission *a)
{
    for (size_t i = 0; i < ADMISSION_BUCKETS; i++) {
        for (struct admission_source *s = a->buckets[i], *next; s; s = next) {
            next = s->next;
            free(s);
        }
        a->buckets[i] = NULL;
    }
}

static const struct {
    const char *reason, *line, *phrase;
} words[] = {
    [ADMISSION_OK] = {"admitted", "", ""},
    [ADMISSION_E_STARTUPS] = {"max_startups", "Exceeded MaxStartups\r\n", "past MaxStartups"},
    [ADMISSION_E_PER_SOURCE] = {"per_source_max_startups", "Exceeded MaxStartups\r\n",
                                "past PerSourceMaxStartups"},
    [ADMISSION_E_CONNECTIONS] = {"max_connections", "Exceeded MaxConnections\r\n", "past MaxConnections"},
    [ADMISSION_E_PENALTY] = {"penalty", "Not allowed at this time\r\n",
                             "penalty: the process that served it crashed"},
    [ADMISSION_E_UNTRUSTED] = {"not_a_balancer", "Clients come through a balancer here\r\n",
                               "not in ProxyTrusted: clients come through a balancer there"},
    [ADMISSION_E_REPLACE] = {"replaced", "Exceeded MaxStartups\r\n", "past MaxStartups"},
};

const char *admission_line(enum admission_verdict verdict)
{
    return words[verdict].line;
}

const char *admission_reason(enum admission_verdict verdict)
{
    return words[verdict].reason;
}

const char *admission_phrase(enum admission_verdict verdict)
{
    return words[verdict].phrase;
}
