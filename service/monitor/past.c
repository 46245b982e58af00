/* The last records. Input: lines of the log, whose text is escaped already. Output: the same lines. */
#include "monitor/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void oldest_drop(struct past *h)
{
    struct past_record *record = h->oldest;
    h->oldest = record->next;
    if (!h->oldest)
        h->newest = NULL;
    h->count--;
    h->octets -= sizeof *record + record->size;
    free(record);
}

void past_add(struct past *h, uint64_t connection, const char *event, struct sp_span line)
{
    size_t octets = sizeof(struct past_record) + line.size;
    if (octets > PAST_OCTETS_MAX)
        return;
    while (h->oldest && (h->count >= PAST_RECORDS_MAX || h->octets + octets > PAST_OCTETS_MAX))
        oldest_drop(h);
    struct past_record *record = malloc(octets);
    if (!record)
        return;
    *record = (struct past_record){.connection = connection, .size = line.size};
    snprintf(record->event, sizeof record->event, "%s", event);
    if (line.size != 0)
        memcpy(record->line, line.data, line.size);
    *(h->newest ? &h->newest->next : &h->oldest) = record;
    h->newest = record;
    h->count++;
    h->octets += octets;
}

bool past_wants(const struct past_filter *filter, uint64_t connection, const char *event)
{
    return (filter->connection == 0 || filter->connection == connection) &&
           (filter->event[0] == '\0' || strcmp(filter->event, event) == 0);
}

static size_t wanted_count(const struct past *h, const struct past_filter *filter, size_t *octets)
{
    size_t count = 0;
    *octets = 0;
    for (const struct past_record *r = h->oldest; r; r = r->next) {
        if (!past_wants(filter, r->connection, r->event))
            continue;
        count++;
        *octets += r->size + 1;
    }
    return count;
}

int past_text(const struct past *h, const struct past_filter *filter, size_t most, char **text, size_t *size)
{
    size_t octets, count = wanted_count(h, filter, &octets), used = 0;
    char *made = malloc(octets + 1);
    if (!made)
        return -ENOMEM;
    for (const struct past_record *r = h->oldest; r; r = r->next) {
        if (!past_wants(filter, r->connection, r->event) || count-- > most)
            continue;
        memcpy(made + used, r->line, r->size);
        used += r->size;
        made[used++] = '\n';
    }
    *text = made;
    *size = used;
    return 0;
}

void past_free(struct past *h)
{
    while (h->oldest)
        oldest_drop(h);
}
