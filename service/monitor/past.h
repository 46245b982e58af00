/*
 * The last records of the log, as lines of JSON, for who asks later and for who follows. Bounded in number and in octets: the
 * oldest go. Input: lines of log_line(). Knows nothing of sockets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/types.h>

#define PAST_RECORDS_MAX 1000u
#define PAST_OCTETS_MAX (512u * 1024u)
#define PAST_EVENT_MAX 64u

struct past_record {
    struct past_record *next; /* the newer one */
    uint64_t connection;      /* 0: none */
    char event[PAST_EVENT_MAX + 1];
    size_t size;
    char line[]; /* JSON, without a line's end */
};

struct past {
    struct past_record *oldest, *newest; /* owned */
    uint32_t count;
    size_t octets;
};

/* What of it somebody wants. */
struct past_filter {
    uint64_t connection;            /* 0: all */
    char event[PAST_EVENT_MAX + 1]; /* "": all */
};

/* Without memory it is not kept. */
void past_add(struct past *h, uint64_t connection, const char *event, struct sp_span line);
bool past_wants(const struct past_filter *filter, uint64_t connection, const char *event);
/* The last `most` records that the filter wants, oldest first, each with a line's end. *text: the caller's (free()). 0 or
 * -ENOMEM. */
int past_text(const struct past *h, const struct past_filter *filter, size_t most, char **text,
              size_t *size) SP_MUST_USE;
void past_free(struct past *h);
