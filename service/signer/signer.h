/*
 * The signer: all state of the program, and what its files do for each other.
 *
 *   monitor --on_monitor.c--> generation.c (configure) --> token.c (start, queue) --spawner--> token process
 *           --on_monitor.c--> transcript.c (sign)      --> token.c --on_token.c--> answer.c --> monitor
 *                                                                                  '--> ledger.c --> spawner: chain.c
 *
 * Handlers note what changed; signer_settle() draws the consequences once the handler is done, so that nothing is freed
 * under a function that still uses it.
 */
#pragma once

#include "base/loop.h"
#include "base/manager.h"
#include "ipc/link.h"
#include "ipc/log.h"
#include "signer/budget.h"
#include "signer/fair.h"
#include "signer/request.h"
#include "signer/spawn.h"
#include "signer/watchdog.h"

#define TICK_MS 20u           /* how often deadlines are looked at while anything is under way */
#define GENERATIONS_MAX 64u   /* alive at a time */
#define REQUEST_LOSSES_MAX 3u /* token processes that one request may cost */

/* RFC 4250 section 4.2.2, as far as the signer sends clients away. */
enum {
    REASON_PROTOCOL_ERROR = 2,
    REASON_KEY_EXCHANGE_FAILED = 3,
    REASON_SERVICE_NOT_AVAILABLE = 7,
};

/* What a client is told whose exchange has to wait for too long, or has no place to. */
#define TOKEN_BUSY_TEXT "the host key's token is busy"

struct generation;
struct policy_anchors;
struct token;

/* Signatures and their records: ledger.h. */
struct ledger {
    struct request_list held; /* signed, and not to be answered before they are recorded */
    uint64_t lost;            /* signatures that could not be asked to be recorded */
    bool is_failing;
    uint64_t said_ms;
    size_t unsaid;
};

/* What the monitor is told of tokens: states.h. */
struct states {
    bool changed; /* a condition, or what a key can */
    bool moved;   /* a counter */
    uint64_t sent_ms;
    uint64_t refused_full, refused_late; /* requests: no place, no time */
};

struct signer {
    struct loop *loop;
    struct log log;
    struct link_inbox *inbox;
    int listen_fd;
    uid_t monitor_uid;
    struct link monitor;
    struct loop_source *monitor_source;
    bool monitor_writing; /* the loop watches for room in the link */
    bool monitor_failed;  /* sending to it failed: to be dropped by signer_settle() */
    struct link spawner;
    struct loop_source *spawner_source;
    bool spawner_writing;
    struct token *tokens[SPAWNER_SLOTS]; /* by slot; NULL: free */
    struct generation *generations;
    struct budget *budget;
    struct prover *prover;
    struct ledger ledger;
    struct policy_anchors *anchors; /* NULL: policies need no signature */
    struct fair delayed;            /* over their connection's budget for now */
    struct loop_source *tick;
    bool ticking;
    uint64_t tick_at_ms; /* when it is due */
    struct states states;
    uint64_t next_ticket;
    struct manager manager;
    struct watchdog watchdog;
    bool fips; /* libcrypto serves from an approved provider alone */
};

/* What every handler of events ends with. 0 or a negative errno, which ends the program. */
int signer_settle(struct signer *s) MUST_USE;
/* Takes the result of a link_send() to the monitor. */
void signer_told(struct signer *s, int send_result);

/* on_monitor.c: accepts monitors on listen_fd. */
int on_monitor_connect(void *context, uint32_t events);
/* Closes the monitor's link and drops all that was asked over it. */
void monitor_drop(struct signer *s);

/* on_spawner.c */
int on_spawner_io(void *context, uint32_t events);

/* answer.c: how a request ends. Each takes the request, out of whatever list it was in, and frees it or puts it back. */
void request_signed(struct signer *s, struct request *request, struct sp_span raw);
void request_failed(struct signer *s, struct request *request, const char *why);
/* Its signature was to be recorded first; failure: why it could not be, or NULL. */
void request_recorded(struct signer *s, struct request *request, const char *failure);
void request_refuse(struct signer *s, struct request *request, uint32_t reason, const char *text,
                    const char *why);
/* That token cannot sign for it now. */
void request_unavailable(struct signer *s, struct request *request, const struct token *token);
/* It has no place in a waiting room. */
void request_busy(struct signer *s, struct request *request);
/* Nobody waits for it any more: frees it, or, if it waits in no room but is with a token process, has it freed when that
 * answers. */
void request_cancel(struct signer *s, struct request *request);
