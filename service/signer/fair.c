/* The waiting room of a token. Input: requests with their source and lane. Output: whose turn it is, and who has no place. */
#include "signer/fair.h"

#include <errno.h>
#include <string.h>

#include "base/addresses.h"

#define NETWORK_OCTETS 8u /* of an IPv6 address: 64 bits */

/* In one lane of one source. */
struct fair_queue {
    struct request_list requests;
    struct fair_source *previous, *next; /* in the lane, while it has requests */
};

struct fair_source {
    struct fair_source *previous, *next; /* of all */
    struct request_source name;
    struct fair_queue queues[REQUEST_LANES];
};

struct request_source fair_source_of(const char *address)
{
    struct request_source source = {.bits = 0};
    struct address parsed;
    if (!address || !address_parse(address, &parsed))
        return source;
    source.bits = parsed.bits;
    memcpy(source.network, parsed.bytes, parsed.bits == 32 ? 4 : NETWORK_OCTETS);
    return source;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static bool source_is(const struct fair_source *source, const struct request_source *name)
{
    return source->name.bits == name->bits &&
           memcmp(source->name.network, name->network, sizeof name->network) == 0;
}

static struct fair_source *source_find(const struct fair *room, const struct request_source *name)
{
    struct fair_source *source = room->sources;
    while (source && !source_is(source, name))
        source = source->next;
    return source;
}

static size_t source_count(const struct fair_source *source)
{
    return source
               ? source->queues[REQUEST_FIRST].requests.count + source->queues[REQUEST_REKEY].requests.count
               : 0;
}

static struct fair_source *source_new(struct fair *room, const struct request_source *name)
{
    struct fair_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->name = *name;
    source->next = room->sources;
    if (source->next)
        source->next->previous = source;
    room->sources = source;
    return source;
}

static void source_drop(struct fair *room, struct fair_source *source)
{
    *(source->previous ? &source->previous->next : &room->sources) = source->next;
    if (source->next)
        source->next->previous = source->previous;
    free(source);
}

/* ---- lanes ------------------------------------------------------------------------------------------------------- */

static void lane_append(struct fair_lane *lane, enum request_lane which, struct fair_source *source)
{
    struct fair_queue *queue = &source->queues[which];
    queue->next = NULL;
    queue->previous = lane->last;
    *(lane->last ? &lane->last->queues[which].next : &lane->first) = source;
    lane->last = source;
}

static void lane_remove(struct fair_lane *lane, enum request_lane which, struct fair_source *source)
{
    struct fair_queue *queue = &source->queues[which];
    *(queue->previous ? &queue->previous->queues[which].next : &lane->first) = queue->next;
    *(queue->next ? &queue->next->queues[which].previous : &lane->last) = queue->previous;
    queue->previous = queue->next = NULL;
}

/* ---- ages -------------------------------------------------------------------------------------------------------- */

static void age_append(struct fair *room, struct request *request)
{
    request->younger = NULL;
    request->older = room->newest;
    *(room->newest ? &room->newest->younger : &room->oldest) = request;
    room->newest = request;
    request->room = room;
    room->count++;
}

static void age_remove(struct fair *room, struct request *request)
{
    *(request->older ? &request->older->younger : &room->oldest) = request->younger;
    *(request->younger ? &request->younger->older : &room->newest) = request->older;
    request->older = request->younger = NULL;
    request->room = NULL;
    room->count--;
}

/* ---- losing ------------------------------------------------------------------------------------------------------ */

static struct fair_source *fullest_of(const struct fair *room)
{
    struct fair_source *fullest = room->sources;
    for (struct fair_source *source = room->sources; source; source = source->next)
        if (source_count(source) > source_count(fullest))
            fullest = source;
    return fullest;
}

static struct request *newest_of(const struct fair_source *source)
{
    struct request *first = source->queues[REQUEST_FIRST].requests.last;
    return first ? first : source->queues[REQUEST_REKEY].requests.last;
}

/* The newest first exchange of the source that has the most of them. */
static struct request *newest_first_exchange(const struct fair *room)
{
    const struct fair_source *most = room->lanes[REQUEST_FIRST].first;
    for (const struct fair_source *source = most; source; source = source->queues[REQUEST_FIRST].next)
        if (source->queues[REQUEST_FIRST].requests.count > most->queues[REQUEST_FIRST].requests.count)
            most = source;
    return most ? most->queues[REQUEST_FIRST].requests.last : NULL;
}

/* Who makes place for a request that came to a full room: NULL, nobody. */
static struct request *loser_for(const struct fair *room, const struct request *request, size_t limit)
{
    const struct fair_source *fullest = fullest_of(room);
    size_t with_it = source_count(source_find(room, &request->source)) + 1;
    if (source_count(fullest) > with_it)
        return newest_of(fullest);
    if (request->lane == REQUEST_REKEY && room->lanes[REQUEST_REKEY].count < limit / 2)
        return newest_first_exchange(room);
    return NULL;
}

/* ---- the room ---------------------------------------------------------------------------------------------------- */

static void source_put(struct fair *room, struct fair_source *source, struct request *request)
{
    struct fair_queue *queue = &source->queues[request->lane];
    if (queue->requests.count == 0)
        lane_append(&room->lanes[request->lane], request->lane, source);
    request_append(&queue->requests, request);
    room->lanes[request->lane].count++;
    request->waits_with = source;
    age_append(room, request);
}

/* From its queue; its source stays, even if nobody of it waits any more. */
static void source_take(struct fair *room, struct request *request)
{
    struct fair_source *source = request->waits_with;
    struct fair_queue *queue = &source->queues[request->lane];
    age_remove(room, request);
    request->waits_with = NULL;
    request_remove(&queue->requests, request);
    room->lanes[request->lane].count--;
    if (queue->requests.count == 0)
        lane_remove(&room->lanes[request->lane], request->lane, source);
}

static void source_settle(struct fair *room, struct fair_source *source)
{
    if (source_count(source) == 0)
        source_drop(room, source);
}

int fair_put(struct fair *room, struct request *request, size_t limit, struct request **loser)
{
    *loser = NULL;
    if (request->lane == REQUEST_AHEAD) {
        request_append(&room->ahead, request);
        age_append(room, request);
        return 0;
    }
    /* The memory first: who loses its place for a request that cannot be kept would be nobody's. */
    struct fair_source *source = source_find(room, &request->source);
    if (!source)
        source = source_new(room, &request->source);
    if (!source)
        return -ENOMEM;
    if (room->lanes[REQUEST_FIRST].count + room->lanes[REQUEST_REKEY].count >= limit) {
        struct request *other = loser_for(room, request, limit);
        *loser = other ? other : request;
        if (!other) {
            source_settle(room, source);
            return 0;
        }
        struct fair_source *others = other->waits_with;
        source_take(room, other);
        if (others != source)
            source_settle(room, others);
    }
    source_put(room, source, request);
    return 0;
}

void fair_put_back(struct fair *room, struct request *request)
{
    request->lane = REQUEST_AHEAD;
    request_prepend(&room->ahead, request);
    age_append(room, request);
}

void fair_remove(struct fair *room, struct request *request)
{
    struct fair_source *source = request->waits_with;
    if (!source) {
        age_remove(room, request);
        request_remove(&room->ahead, request);
        return;
    }
    source_take(room, request);
    source_settle(room, source);
}

/* The other lane than last time, if anybody waits there. */
static enum request_lane lane_of_turn(const struct fair *room)
{
    enum request_lane turn = room->served_rekey ? REQUEST_FIRST : REQUEST_REKEY;
    enum request_lane other = room->served_rekey ? REQUEST_REKEY : REQUEST_FIRST;
    return room->lanes[turn].first ? turn : other;
}

struct request *fair_take(struct fair *room)
{
    struct request *request = room->ahead.first;
    if (request) {
        fair_remove(room, request);
        return request;
    }
    enum request_lane which = lane_of_turn(room);
    struct fair_source *source = room->lanes[which].first;
    if (!source)
        return NULL;
    request = source->queues[which].requests.first;
    /* Its source is behind all others now. */
    lane_remove(&room->lanes[which], which, source);
    lane_append(&room->lanes[which], which, source);
    room->served_rekey = which == REQUEST_REKEY;
    fair_remove(room, request);
    return request;
}
