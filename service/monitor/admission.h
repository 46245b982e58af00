/*
 * Who may connect. MaxStartups and its per-source companion as sshd_config(5) describes them, MaxConnections, and a short
 * penalty for sources whose worker crashed. Knows no sockets: addresses, time and dice come from the caller.
 *
 * Where this differs from sshd, on purpose: a full house is never held by one source. When the newcomer's source holds
 * clearly less than another one does, the oldest connection of that other one has to go instead.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <sallyport/types.h>

#include "base/util.h"

#include "monitor/address.h"

/* The first crash costs this long; each further one within ADMISSION_MEMORY_MS of the last penalty's end twice as long. */
#define ADMISSION_PENALTY_MS 2000u
#define ADMISSION_PENALTY_MAX_MS 90000u
#define ADMISSION_MEMORY_MS 60000u
#define ADMISSION_PENALTIES_MAX 4096u /* sources remembered for nothing but their penalty */

struct admission_limits {
    uint32_t begin, rate, full; /* MaxStartups begin:rate:full */
    uint32_t per_source;
    uint32_t connections;
};

enum admission_verdict {
    ADMISSION_OK = 0,
    ADMISSION_E_STARTUPS,    /* MaxStartups */
    ADMISSION_E_PER_SOURCE,  /* PerSourceMaxStartups */
    ADMISSION_E_CONNECTIONS, /* MaxConnections */
    ADMISSION_E_PENALTY,     /* the source is to wait */
    ADMISSION_E_UNTRUSTED,   /* no balancer, on a listener for balancers: the caller's finding */
    ADMISSION_E_REPLACE,     /* admit, and end the connection of *victim: its source holds most */
};

struct admission_source;

/* A place among the connections that have not logged in, embedded in each of them. */
struct admission_ticket {
    struct admission_source *source; /* NULL: holds no place */
    struct admission_ticket *older, *newer;
};

#define ADMISSION_BUCKETS 1024u

struct admission {
    struct admission_source *buckets[ADMISSION_BUCKETS];
    uint32_t startups;    /* tickets held */
    uint32_t connections; /* counted by the caller through admission_opened() and _closed() */
    uint32_t penalties;   /* sources without a ticket */
};

/* dice: uniform in 0..99. *victim is set for ADMISSION_E_REPLACE only. Changes nothing. */
enum admission_verdict admission_check(const struct admission *a, const struct admission_limits *limits,
                                       const struct address_block *from, uint32_t dice, uint64_t now_ms,
                                       struct admission_ticket **victim);
/* Takes a place. 0 or -ENOMEM. */
int admission_enter(struct admission *a, const struct address_block *from,
                    struct admission_ticket *ticket) MUST_USE;
/* Gives it back: logged in, or gone. A ticket without a place is fine. */
void admission_leave(struct admission *a, struct admission_ticket *ticket, uint64_t now_ms);
/* Keeps that source out for a while. */
void admission_penalise(struct admission *a, const struct address_block *from, uint64_t now_ms);
/* How many sources are kept out now. */
uint32_t admission_penalised(const struct admission *a, uint64_t now_ms);
/* Penalties for the next monitor, at most ADMISSION_PENALTIES_MAX; the clock goes on. */
void admission_write(const struct admission *a, uint64_t now_ms, struct sp_out *out);
/* Into an empty table. 0, or -EINVAL if it is not what admission_write() writes; what could be read is in force. */
int admission_read(struct admission *a, struct sp_span packed, uint64_t now_ms) MUST_USE;
void admission_free(struct admission *a);
/* For the refused client, in sshd's words. */
const char *admission_line(enum admission_verdict verdict);
/* For the log: a stable word. */
const char *admission_reason(enum admission_verdict verdict);
/* The same as the end of sshd's sentence. */
const char *admission_phrase(enum admission_verdict verdict);
