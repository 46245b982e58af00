/*
 * A token as the signer sees it: the process that has it, the keys it announced, and the requests that wait for it. One
 * function moves it from state to state.
 */
#pragma once

#include "ipc/link.h"
#include "ipc/token_state.h"
#include "signer/plan.h"
#include "signer/signer.h"

#define TOKEN_WINDOW 2u /* requests with the process at a time: one being signed, one ready to be */

/* What is said of a process that ended without a word, until its exit status tells more. */
#define TOKEN_PROCESS_ENDED "its process ended"

enum token_process {
    TOKEN_STOPPED,  /* not to be started before a new configuration asks for it */
    TOKEN_WAITING,  /* to be started at retry_ms */
    TOKEN_STARTING, /* asked of the spawner, or running and not ready yet */
    TOKEN_READY,
};

struct token_blob {
    uint8_t *data; /* NULL: never announced */
    size_t size;
};

struct token {
    struct signer *signer;
    uint32_t slot;
    struct token_spec spec;
    unsigned users; /* generations */
    uint64_t timeout_ms;

    enum token_process state;
    enum token_condition condition; /* what is said of that */
    uint64_t since_ms;              /* of the condition */
    bool missing;                   /* the token or a key was not there at the last try */
    bool pin_refused;               /* that is why it is stopped */
    bool served;                    /* has signed since it became ready */
    unsigned losses;                /* in a row */
    uint64_t retry_ms, started_ms;
    uint32_t pid; /* of the running process; 0: none */
    struct link link;
    struct loop_source *source;
    bool writing;   /* the loop watches for room in the link */
    char why[1024]; /* what went wrong last */

    struct token_blob *blobs; /* spec.uri_count; once announced, they stay as they are */
    size_t announced;         /* by the running process */

    size_t queue_max; /* TokenQueue */
    struct fair waiting;
    struct request_list in_flight;
    uint64_t answered_us;  /* the last signature */
    uint64_t busy_said_ms; /* when it was last logged that it is busy */
    size_t busy_unsaid;    /* requests without a place since then */

    /* Since it was asked for first: for who asks. */
    uint64_t starts, signatures, failures, latency_us;
    uint64_t latencies[TOKEN_LATENCY_BUCKETS];
};

/*
 * The token of a spec, which is copied: one that runs already or a new one, which is started. The caller has one use of it
 * until token_release(). timeout_ms and queue_max are the latest configuration's. 0, -ENOMEM or -EAGAIN (no slot is free).
 */
int token_acquire(struct signer *s, const struct token_spec *spec, uint64_t timeout_ms, size_t queue_max,
                  struct token **token) MUST_USE;
void token_release(struct token *token);
/* Ends those that nobody uses. */
void tokens_sweep(struct signer *s);
void token_free(struct token *token);

/* A name for logs: its module's file and token attributes. */
const char *token_name(const struct token *token);

/* The one function that moves it from state to state; what else that means is its callers'. */
void token_move(struct token *token, enum token_process state);
/* Whether it is away: some process has it, none of them is ready, and one has found out that it is absent or lost. */
bool token_is_away(const struct signer *s, const struct token_spec *spec);

/* token_queue.c. Into its waiting room; one that has no place there is refused. */
void token_submit(struct token *token, struct request *request);
/* Sends the process what it has room for. */
void token_pump(struct token *token);
/* Refuses what has waited for too long. */
void token_expire(struct token *token, uint64_t now_ms);
/* A signature was made, in this time. */
void token_count(struct token *token, uint64_t latency_us);
/* Deadlines, restarts. */
void token_tick(struct token *token, uint64_t now_ms);
/* When that is to be done next: UINT64_MAX if nothing is under way. */
uint64_t token_due_ms(const struct token *token, uint64_t now_ms);
/* Somebody waits for it: it is looked for sooner. */
void token_hasten(struct token *token);
/* Ready, nothing waits for it, and it could begin with one more at once or next. */
bool token_is_idle(const struct token *token);

/* The process is gone, or has to go: requests wait for the next one, or go where the same key is. */
void token_lose(struct token *token, const char *why);
/* Likewise, because it is not there, or a key on it is not: which costs less to find out. */
void token_miss(struct token *token, const char *why);
/* Not to be started again; requests go elsewhere or are refused. */
void token_stop(struct token *token, bool pin_refused, const char *why);

/* on_spawner.c calls these. */
int token_spawned(struct token *token, uint32_t pid, int fd) MUST_USE;
void token_exited(struct token *token, uint32_t pid, int status);

/* on_token.c */
int on_token_io(void *context, uint32_t events);
