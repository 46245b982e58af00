/*
 * The connection table, and the life of one connection:
 *
 *   START   accepted; a worker of its own talks to the client        first signature ->
 *   READY   its session id is fixed                                   first user name ->
 *   AUTH    a login process decides                                   login_succeeded ->
 *   LOGIN   the user is in; we are needed for rekeys only
 *   CLOSING told to end; waits for the worker to be gone              any phase ->
 *
 * Phases change in connection_move() alone. Every wait has a timer.
 */
#pragma once

#include "config/listeners.h"

#include "monitor/address.h"
#include "monitor/admission.h"
#include "monitor/bucket.h"
#include "monitor/watch.h"

struct monitor;
struct generation;
struct listener;

/* What the connection's one timer stands for. */
enum connection_timer {
    TIMER_NONE = 0,
    TIMER_GRACE,  /* LoginGraceTime */
    TIMER_LINGER, /* its login process has gone: time for the worker to say so to the client */
    TIMER_ENDING, /* told to end: time for the worker to send DISCONNECT */
    TIMER_REAP,   /* the worker has gone: time for the zygote to say how */
};

/* Whether a balancer says whose connection it is (proxied.h). */
enum balancer_step {
    BALANCER_NONE = 0, /* there is none */
    BALANCER_AWAITED,  /* not yet: the connection's address is the balancer's */
    BALANCER_TOLD,
};

struct connection_balancer {
    enum balancer_step step;
    struct address address; /* whom it was accepted from; "" as long as that is the connection's own */
    bool is_own;            /* its own, a check for example, and nobody's else */
    bool is_refused;        /* when it had told, and that is in the log */
};

/* A signature that was asked for; at most one. */
struct connection_sign {
    uint8_t *transcript; /* owned; NULL: nothing asked for */
    size_t size;
    uint8_t attempts;
    bool sent;  /* on the signer's present link */
    bool waits; /* in the queue of those for which that link has no room */
    struct connection *waits_next, *waits_previous;
};

/* Proofs of host keys that its worker asked for. */
struct connection_proof {
    bool waits; /* the signer owes an answer */
    bool asked; /* the signer remembers which keys it was */
    unsigned questions;
};

/* Questions for proof that the signer hears of one connection. It has at most 32 keys, each proved once; a client that is
 * refused because too many ask may ask again, but not for ever. */
#define CONNECTION_PROOFS_MAX 32u

/* The worker's last words, for the log. */
struct connection_end {
    bool said;
    bool by_peer;
    bool is_reset;
    uint32_t reason;
    uint32_t rekeys;
    uint64_t octets_in, octets_out;
    char *text;       /* owned, any bytes but NUL */
    const char *word; /* why we ended it, if we did: a stable word */
};

/* What is known of it beyond that, for who asks: nothing is decided by it. */
struct connection_known {
    int64_t since_s, login_s; /* seconds since the epoch; 0: not yet */
    bool is_adopted;          /* from the monitor before, and its worker has told nothing since */
    uint32_t uid, login_pid;
    char methods[257];                   /* that it logged in with, or the last that was tried */
    char detail[256];                    /* of the attempt that succeeded: a key's fingerprint, for one */
    char session[65];                    /* logind's id of it; "" if it has none */
    uint64_t sign_asked_us;              /* 0: not by this monitor */
    bool report_asked;                   /* the worker owes a report */
    uint64_t report_asked_ms, report_ms; /* 0: never */
    uint64_t octets_in, octets_out, idle_ms;
    uint32_t rekeys, channels;
    uint64_t counted_in, counted_out; /* octets that metrics have already */
};

struct connection {
    struct connection *bucket_next, *previous, *next;
    struct monitor *monitor;
    struct generation *generation; /* referenced */
    uint64_t id;
    uint64_t since_ms;
    enum ipc_phase phase;
    enum connection_timer timer_kind;
    sd_event_source *timer; /* owned, as the other sources in it */
    struct watch worker, session;
    int client_fd;                      /* until the worker has shown that it lives; -1 afterwards */
    int process_fd;                     /* its worker's process, for connection_stop_worker(); -1: not told */
    bool gone;                          /* out of the table, freed when the loop turns */
    uint16_t slot;                      /* in the store; 0: it ends with us */
    int record_fd;                      /* of what is there; -1: nothing */
    uint64_t worker_node, session_node; /* by which its links are told apart there */
    uint64_t
        resuming; /* taken over from another monitor: the ticket that its worker has not handed back yet; 0: none */
    bool login_started, invalid_user, worker_exited, served_again;
    struct admission_ticket ticket;
    struct address_block source;
    struct bucket events; /* of its worker and login process */
    struct address remote, local;
    struct connection_balancer balancer;
    char listener[CONFIG_LISTENER_MAX + 1]; /* the socket that it came in on */
    char *user;                             /* NULL until named; once named it stays */
    uint8_t session_id[64];
    uint8_t session_id_size;
    struct sp_span host_key; /* owned; of the first exchange */
    /* What the signer said of the first exchange, unread: for later ones, and for who asks why something was chosen. */
    struct sp_span negotiated, client_kexinit, policy; /* owned */
    struct connection_sign sign;
    struct connection_proof proof;
    struct connection_end end;
    struct connection_known known;
};

#define CONNECTION_BUCKETS 4096u

/* How often its worker and its login process are listened to: far more than an honest one has to say. */
#define CONNECTION_TURNS_MS 100u
#define CONNECTION_TURNS 20u
#define CONNECTION_LOGIN_TURNS 100u

struct connections {
    struct connection *buckets[CONNECTION_BUCKETS];
    struct connection *first; /* all of them, newest first */
    struct connection *dead;  /* to be freed */
    sd_event_source *reaper;
    uint64_t last_id;
    uint32_t count;
};

int connections_init(struct monitor *m) MUST_USE;
void connections_free(struct monitor *m);
struct connection *connection_find(struct monitor *m, uint64_t id);

/*
 * A new one in START, with its place among the unauthenticated ones; takes client_fd on success. *worker_fd: the other
 * end of its worker's link, the caller's. 0 or -errno.
 */
int connection_new(struct monitor *m, int client_fd, const struct address *remote,
                   const struct address *local, const struct address_block *source,
                   const struct listener *listener, struct connection **out, int *worker_fd) MUST_USE;

/* One that another monitor had, with everything in it but its links, which are taken in any case. 0 or -errno: it is
 * still the caller's. */
int connection_take_over(struct monitor *m, struct connection *c, int worker_fd, int session_fd) MUST_USE;
void connection_free(struct connection *c);

/* A link for a(nother) worker. 0 or -errno. */
int connection_open_worker(struct connection *c, int *worker_fd) MUST_USE;

/* The one place where the phase changes; logs old -> new. */
void connection_move(struct connection *c, enum ipc_phase phase);
/* Arms its timer for another purpose. */
void connection_wait(struct connection *c, enum connection_timer kind, uint64_t after_ms);

/* Where its ticket is from: of those that are counted by their source, or by their balancer. */
struct admission *connection_admission(struct connection *c);

#define BALANCER_HEADER_MS 5000u
/* Arms it with what is left of LoginGraceTime, or of the time that a balancer has to say whose connection it is. */
void connection_wait_grace(struct connection *c);

/* Asks the worker to send DISCONNECT with this and to go, and sees to it that it does. word: why, for the log. */
void connection_end(struct connection *c, uint32_t reason, struct sp_span text, const char *word);
/* A peer of this connection broke the rules: it ends, at once and without words. */
void connection_illegal(struct connection *c, const char *complaint);
/* The worker's link is at its end. */
void connection_worker_gone(struct connection *c);
/* The login process has gone or is to go. */
void connection_drop_login(struct connection *c);
/* Out of the table; logs how it ended. */
void connection_finish(struct connection *c);

/* RFC 4250 section 4.2.2: what the monitor itself has reason to say. */
enum {
    DISCONNECT_PROTOCOL_ERROR = 2,
    DISCONNECT_SERVICE_NOT_AVAILABLE = 7,
    DISCONNECT_BY_APPLICATION = 11,
    DISCONNECT_TOO_MANY_CONNECTIONS = 12,
};
