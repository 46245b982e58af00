/*
 * The last attempts that came to nothing: clients that were turned away, handshakes without a common algorithm, logins that
 * failed, workers that died. For who asks; nothing is decided by it.
 *
 * Bounded, and fair by source: when it is full, the source that has the most in it loses its oldest, so that one that
 * floods pushes out nobody but itself. Knows no clock.
 */
#pragma once

#include <stdint.h>

#include <sallyport/types.h>

#include "monitor/address.h"

#define FAILURES_MAX 512u
#define FAILURES_MINUTES 60u /* failures_recent() looks so far back */

enum failure_stage {
    FAILURE_ADMISSION = 0, /* refused before a worker was there */
    FAILURE_NEGOTIATION,   /* no algorithm in common, or the policy's rules */
    FAILURE_AUTHENTICATION,
    FAILURE_TIMEOUT,  /* LoginGraceTime */
    FAILURE_PROTOCOL, /* the client broke the protocol */
    FAILURE_CRASH,    /* the worker died */
    FAILURE_INTERNAL, /* a program of ours said what it must not, or could not serve */
    FAILURE_STAGES,
};

struct failure {
    struct failure *next; /* the newer one */
    int64_t at_ms;        /* since the epoch */
    uint64_t number;      /* counts all that ever were */
    uint64_t connection;  /* 0: there was none yet */
    struct address_block source;
    struct address remote;
    enum failure_stage stage;
    char user[128]; /* any bytes but NUL, as the client said it; "" if it had not */
    char method[64];
    char reason[512];
};

struct failures_source {
    struct address_block block;
    uint32_t count;
};

struct failures {
    struct failure *oldest, *newest; /* owned */
    uint32_t count;
    struct failures_source *sources; /* owned; as many as have one in the list */
    uint32_t source_count;
    uint64_t total, by_stage[FAILURE_STAGES];
    uint64_t crowded_out; /* that went because a newer one came */
    uint32_t by_minute[FAILURES_MINUTES];
    int64_t minute; /* that the newest one of by_minute is about */
};

/* The spans of text are cut to what there is room for. *failure's own strings are not read. Without memory it is counted and
 * not kept. */
struct failure_texts {
    struct sp_span user, method, reason;
};
void failures_add(struct failures *f, const struct failure *failure, const struct failure_texts *texts);
/* How many there were in the last hour. */
uint64_t failures_recent(const struct failures *f, int64_t now_ms);
const char *failure_stage_word(enum failure_stage stage);
void failures_free(struct failures *f);
