/*
 * The waiting room of a token. Requests wait by source, which is what an attacker has few of: an IPv4 address, or an IPv6
 * network of 64 bits. Sources are served in turn, one request each, so a request waits for one signature per source that
 * waits too, and not for one per connection.
 *
 * Three lanes. AHEAD has what the signer itself wants and what has had its turn already: proofs of keys, requests of a token
 * process that was lost, a second try after a fault; few, and served before all. FIRST are first exchanges, which whoever
 * reaches the port can ask for. REKEY are exchanges of connections that have logged in: with one of them a session is
 * lost, with a first exchange a try. These two take turns, too: strangers cannot keep sessions from rekeying, nor
 * sessions that rekey without end keep others from logging in; each has at least every second signature.
 *
 * The room is bounded. When it is full, the source that has most in it loses its newest request, a first exchange before
 * a rekey; that may be the one that just came. Among sources that have the same, a rekey takes the place of a first
 * exchange as long as rekeys fill no more than half of the room. Pure but for memory.
 */
#pragma once

#include "base/util.h"
#include "signer/request.h"

struct fair_source;

struct fair_lane {
    struct fair_source *first, *last; /* with requests in this lane; the first is the next to be served */
    size_t count;                     /* requests */
};

struct fair {
    struct fair_lane lanes[REQUEST_LANES];
    struct request_list ahead;       /* lane AHEAD, which has no sources */
    struct fair_source *sources;     /* all that have something here */
    size_t count;                    /* requests, AHEAD's among them */
    struct request *oldest, *newest; /* in the order of their coming, by request->younger */
    bool served_rekey;               /* the lane that had the last turn */
};

/* Where a client's address belongs; one that is no number belongs with all others of that kind. */
struct request_source fair_source_of(const char *address);

/*
 * Takes a request in. *loser: the one that has no place, which is in the room no more; it may be `request` itself; NULL
 * if there was room for all. `limit`: of requests in FIRST and REKEY together; AHEAD is never refused. 0 or -ENOMEM (it
 * is not in the room).
 */
int fair_put(struct fair *room, struct request *request, size_t limit, struct request **loser) MUST_USE;
/* In front of everything. */
void fair_put_back(struct fair *room, struct request *request);
/* Whose turn it is, out of the room; NULL: nobody waits. */
struct request *fair_take(struct fair *room);
void fair_remove(struct fair *room, struct request *request);
