/* A request to a token, from the moment it is asked for until it is answered: its own struct and the lists it waits in. */
#pragma once

#include <sallyport/keytype.h>

#include "base/util.h"
#include "signer/proof.h"
#include "signer/prover.h"

struct fair;
struct fair_source;
struct generation;
struct token;

/* An exchange of a client; a key, when a configuration is loaded; a key, for a client; a key, for the watchdog. */
enum request_kind { REQUEST_SIGN, REQUEST_PROOF, REQUEST_PROVE, REQUEST_WATCH };

/* Where it waits: fair.h says in what order that is served. */
enum request_lane {
    REQUEST_FIRST, /* a connection's first exchange */
    REQUEST_REKEY, /* a later one */
    REQUEST_AHEAD, /* our own, or one that has had its turn */
    REQUEST_LANES = REQUEST_AHEAD,
};

/* Whom its time at the token is counted to. */
struct request_source {
    uint8_t network[8];
    uint8_t bits; /* of its address: 32 or 128; 0: it has none */
};

#define REQUEST_NEGOTIATED_MAX 2048u
#define REQUEST_KEXINIT_MAX 4096u

struct request {
    struct request *previous, *next;
    struct request *older, *younger; /* in its waiting room */
    struct fair *room;               /* it waits there; NULL: in none */
    struct fair_source *waits_with;  /* the room's, for that */
    enum request_kind kind;
    enum request_lane lane;
    struct request_source source;
    uint64_t ticket;
    uint64_t release_ms;  /* not to be sent before */
    uint64_t deadline_ms; /* refused afterwards */
    uint64_t sent_us;     /* to the token process */
    uint64_t latency_us;  /* of its signature, in the token */
    const char *purpose;  /* "kex", "rekey", "proof", "prove", "watch": for the chain of signatures */
    char peer[65];        /* the client's address; "": none */
    struct generation *generation;
    struct token *token;                  /* in whose lists it is, or is to be */
    size_t key;                           /* of the generation */
    const struct sp_keytype_ops *keytype; /* a plain one: with it the token signs */
    bool retried;                         /* its first signature was faulty */
    unsigned losses;                      /* token processes that ended on it */
    bool orphaned;                        /* in flight, but nobody waits for it any more */
    uint8_t message[PROVE_MESSAGE_MAX];   /* what is signed: H, or a proof */
    size_t message_size;
    uint64_t connection; /* REQUEST_SIGN, REQUEST_PROVE */
    struct sp_span
        host_key;       /* in the generation's offer: what the client gets, the key or a certificate of it */
    const char *policy; /* the generation's */
    uint8_t negotiated[REQUEST_NEGOTIATED_MAX];
    size_t negotiated_size;
    uint8_t client_kexinit[REQUEST_KEXINIT_MAX];
    size_t client_kexinit_size; /* 0: it is longer */
    uint8_t signature[SP_SIGNATURE_MAX];
    size_t signature_size;
};

struct request_list {
    struct request *first, *last;
    size_t count;
};

void request_append(struct request_list *list, struct request *request);
void request_prepend(struct request_list *list, struct request *request);
void request_remove(struct request_list *list, struct request *request);
struct request *request_by_ticket(const struct request_list *list, uint64_t ticket);
