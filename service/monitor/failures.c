/*
 * The last failures. Input: what other files of the monitor have seen fail, with words of clients in it. Output: a list
 * for the control socket.
 */
#include "monitor/failures.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

const char *failure_stage_word(enum failure_stage stage)
{
    static const char *const words[] = {[FAILURE_ADMISSION] = "admission",
                                        [FAILURE_NEGOTIATION] = "negotiation",
                                        [FAILURE_AUTHENTICATION] = "authentication",
                                        [FAILURE_TIMEOUT] = "timeout",
                                        [FAILURE_PROTOCOL] = "protocol",
                                        [FAILURE_CRASH] = "crash",
                                        [FAILURE_INTERNAL] = "internal"};
    return (size_t)stage < ARRAY_SIZE(words) ? words[stage] : "unknown";
}

/* ---- sources ----------------------------------------------------------------------------------------------- */

static struct failures_source *source_find(const struct failures *f, const struct address_block *block)
{
    for (uint32_t i = 0; i < f->source_count; i++)
        if (address_block_equal(&f->sources[i].block, block))
            return &f->sources[i];
    return NULL;
}

/* There is room: a source is there only with a failure in the list, and both have as many places. */
static void source_count_up(struct failures *f, const struct address_block *block)
{
    struct failures_source *source = source_find(f, block);
    if (!source) {
        source = &f->sources[f->source_count++];
        *source = (struct failures_source){.block = *block};
    }
    source->count++;
}

static void source_count_down(struct failures *f, const struct address_block *block)
{
    struct failures_source *source = source_find(f, block);
    if (--source->count == 0)
        *source = f->sources[--f->source_count];
}

static const struct failures_source *source_heaviest(const struct failures *f)
{
    const struct failures_source *heaviest = &f->sources[0];
    for (uint32_t i = 1; i < f->source_count; i++)
        if (f->sources[i].count > heaviest->count)
            heaviest = &f->sources[i];
    return heaviest;
}

/* ---- the list ---------------------------------------------------------------------------------------------- */

/* The oldest of the source that has the most; of all, if each has but one. */
static void room_make(struct failures *f)
{
    struct failures_source heaviest = *source_heaviest(f);
    struct failure *before = NULL, *at = f->oldest;
    while (heaviest.count > 1 && !address_block_equal(&at->source, &heaviest.block)) {
        before = at;
        at = at->next;
    }
    *(before ? &before->next : &f->oldest) = at->next;
    if (!at->next)
        f->newest = before;
    source_count_down(f, &at->source);
    free(at);
    f->count--;
    f->crowded_out++;
}

static void failure_append(struct failures *f, struct failure *failure)
{
    *(f->newest ? &f->newest->next : &f->oldest) = failure;
    f->newest = failure;
    f->count++;
    source_count_up(f, &failure->source);
}

static void text_copy(char *to, size_t capacity, struct sp_span text)
{
    size_t size = size_min(text.size, capacity - 1);
    for (size_t i = 0; i < size; i++)
        to[i] = text.data[i] ? (char)text.data[i] : '?';
    to[size] = '\0';
}

/* Minutes in which nothing failed have to be emptied when they are passed over. */
static void minute_count(struct failures *f, int64_t now_ms)
{
    int64_t minute = now_ms / 60000;
    for (int64_t passed = f->minute; passed < minute && passed < f->minute + FAILURES_MINUTES; passed++)
        f->by_minute[(passed + 1) % FAILURES_MINUTES] = 0;
    if (minute > f->minute)
        f->minute = minute;
    f->by_minute[f->minute % FAILURES_MINUTES]++;
}

void failures_add(struct failures *f, const struct failure *failure, const struct failure_texts *texts)
{
    f->total++;
    f->by_stage[failure->stage]++;
    minute_count(f, failure->at_ms);
    if (!f->sources)
        f->sources = calloc(FAILURES_MAX, sizeof *f->sources);
    struct failure *kept = f->sources ? malloc(sizeof *kept) : NULL;
    if (!kept)
        return;
    *kept = *failure;
    kept->next = NULL;
    kept->number = f->total;
    text_copy(kept->user, sizeof kept->user, texts->user);
    text_copy(kept->method, sizeof kept->method, texts->method);
    text_copy(kept->reason, sizeof kept->reason, texts->reason);
    if (f->count == FAILURES_MAX)
        room_make(f);
    failure_append(f, kept);
}

uint64_t failures_recent(const struct failures *f, int64_t now_ms)
{
    uint64_t sum = 0;
    int64_t now = now_ms / 60000;
    for (int64_t i = 0; i < FAILURES_MINUTES; i++) {
        int64_t minute = f->minute - i;
        if (minute >= 0 && minute > now - (int64_t)FAILURES_MINUTES)
            sum += f->by_minute[minute % FAILURES_MINUTES];
    }
    return sum;
}

void failures_free(struct failures *f)
{
    for (struct failure *failure = f->oldest, *next; failure; failure = next) {
        next = failure->next;
        free(failure);
    }
    free(f->sources);
    *f = (struct failures){0};
}
