/*
 * Figures of this server since the monitor began, for sallyport(8)'s `metrics`. Counted by observe.c as things happen, told by
 * control_metrics.c.
 *
 * Labels are names of modules/registry.def and words of ours: what a client or a policy calls something can not make a new
 * time series. A name that is neither counts as "other".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/types.h>

#define METRIC_NAMES_MAX 32u /* of one kind in the registry; test_metrics.c sees that it is enough */
#define METRIC_BUCKETS 12u

enum metric_kind {
    METRIC_KEX,
    METRIC_HOST_KEY,
    METRIC_CIPHER,
    METRIC_MAC,
    METRIC_METHOD,
    METRIC_KINDS,
};

/* By name of the kind's table, and one for all others behind them. */
struct metric_names {
    uint64_t count[METRIC_NAMES_MAX + 1];
};

struct metric_histogram {
    uint64_t buckets[METRIC_BUCKETS]; /* not cumulative; what is beyond the last is in `count` alone */
    uint64_t count, sum_us;
};

#define METRIC_RESULTS 5u  /* enum login_result */
#define METRIC_REFUSALS 7u /* enum admission_verdict */

struct metrics {
    uint64_t accepted, logins;
    uint64_t post_quantum[2];                             /* of the first exchanges: without, with */
    struct metric_names kex, host_key, cipher[2], mac[2]; /* [0]: what clients send, [1]: what they get */
    struct metric_names auth[METRIC_RESULTS];             /* methods */
    uint64_t refused[METRIC_REFUSALS];
    uint64_t octets_in, octets_out, rekeys;
    uint64_t worker_crashes, login_crashes, killed;
    uint64_t reloads, reloads_refused;
    uint64_t events_dropped;
    struct metric_histogram signature[2]; /* from asking the signer to its answer: first exchanges, rekeys */
};

void metric_name_count(struct metric_names *names, enum metric_kind kind, struct sp_span name);
/* "other" behind the last; NULL behind that. */
const char *metric_name_at(enum metric_kind kind, size_t index);
/* Whether a key exchange method holds against a quantum computer, as the registry's names say. */
bool metric_is_post_quantum(struct sp_span kex);
/* Upper bounds, inclusive. */
extern const uint64_t metric_bounds_us[METRIC_BUCKETS];
void metric_histogram_add(struct metric_histogram *histogram, uint64_t us);
