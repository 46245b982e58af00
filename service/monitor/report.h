/*
 * What "PolicyMode report" has found, counted by client: whom a site would lock out if it enforced the next policy. Bounded:
 * of more addresses than there is room for, the one that was heard of least recently goes. Knows no clock.
 */
#pragma once

#include <stdint.h>

#include <sallyport/types.h>

#include "base/util.h"
#include "monitor/address.h"

#define REPORT_CLIENTS_MAX 1024u
#define REPORT_KINDS_MAX 12u /* lists and rules counted apart for a client; further ones count as the last */
#define REPORT_WHAT_MAX 64u

struct report_count {
    char what[REPORT_WHAT_MAX + 1]; /* "KexAlgorithms", "RequireStrictKex", ... */
    uint64_t count;
};

struct report_client {
    struct report_client *newer, *older;
    struct report_client *bucket_next;
    char address[ADDRESS_TEXT_MAX];
    int64_t first, last; /* seconds since the epoch */
    uint64_t count;
    size_t kinds;
    struct report_count by_kind[REPORT_KINDS_MAX];
    char detail[256]; /* of the last one */
};

#define REPORT_BUCKETS 256u

struct report {
    struct report_client *buckets[REPORT_BUCKETS];
    struct report_client *newest, *oldest;
    size_t clients;
    uint64_t count;     /* all that was ever counted */
    uint64_t forgotten; /* clients that had to go */
};

/* 0 or -ENOMEM. */
int report_add(struct report *report, const char *address, struct sp_span what, struct sp_span detail,
               int64_t now) MUST_USE;
const struct report_client *report_find(const struct report *report, const char *address);
/* For the next monitor: at most REPORT_CLIENTS_MAX clients. */
void report_write(const struct report *report, struct sp_out *out);
/* Into an empty table. 0, -ENOMEM, or -EINVAL if it is not what report_write() writes; the table is empty then. */
int report_read(struct report *report, struct sp_span packed) MUST_USE;
void report_free(struct report *report);
