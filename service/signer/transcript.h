/*
 * What a worker says about a key exchange, checked: the one thing that can make the token sign for the network. Pure:
 * the same offer, transcript and connection give the same verdict.
 *
 * Nothing in a transcript is believed. The worker that wrote it has parsed a client's bytes and may be that client by
 * now. So everything that this server would have sent is built here again and compared, the negotiation is done here
 * again, and H is computed here: a worker cannot state it.
 */
#pragma once

#include <sallyport/digest.h>
#include <sallyport/keytype.h>

#include "base/util.h"
#include "ipc/negotiate.h"
#include "policy/policy.h"

enum {
    TRANSCRIPT_E_REFUSED = 1, /* see the struct transcript_refusal */
};

/* A KEXINIT may be this old when its exchange is signed: what was offered then still counts. */
#define TRANSCRIPT_GRACE_S 120

/* What the monitor and the clock say about the connection, and what follows from that for its policy. */
struct transcript_context {
    const struct msg_variant *variant; /* of the connection's generation and addresses */
    struct sp_span keys;               /* of the same offer */
    const bool *key_is_forbidden;      /* by the policy, by position in keys; NULL: none is */
    const struct policy_rules *rules;  /* of the same policy */
    const char *address;               /* the client's */
    int64_t now;                       /* seconds since the epoch */
    bool first;                        /* nothing was signed for it before */
    struct sp_span session_id;         /* empty if first */
    struct sp_span negotiated;         /* of the first exchange, as in sign_done; empty if first */
    struct sp_span host_key;           /* likewise; preferred, if it may sign */
};

/* What stands for a name that nothing was negotiated for: the MAC of an AEAD. */
#define TRANSCRIPT_IMPLICIT "implicit"

struct transcript_result {
    struct sp_span client_version;
    struct negotiated chosen;      /* spans into the transcript */
    struct sp_span client_kexinit; /* likewise, and taken apart: */
    struct kexinit client;
    int64_t offered_at; /* a second in which the lists were as our KEXINIT has them */
    const struct sp_keytype_ops *keytype;
    size_t key;              /* position in the offer's keys */
    struct sp_span host_key; /* its blob or certificate, in the offer */
    uint8_t h[SP_DIGEST_MAX];
    size_t h_size;
};

struct transcript_refusal {
    uint32_t reason; /* RFC 4250 section 4.2.2 */
    char text[512];  /* for the client */
    char why[768];   /* for the log; no bytes of the peer's but names that were checked */
    bool by_list; /* nothing in common in `list`, of which both sides are here, spans into the transcript */
    enum kexinit_list list;
    struct sp_span client_version, client_list, server_list;
    bool by_offer;    /* I_S is not of this offer's making */
    const char *rule; /* the policy's rule that forbids it; NULL: none */
};

/*
 * The exception that let a chosen algorithm in: false if it is everybody's for good. *exception points into the variant.
 */
bool transcript_exception(const struct transcript_context *context, const struct transcript_result *result,
                          enum kexinit_list list, struct offer_exception *exception);

/* 0, TRANSCRIPT_E_REFUSED with *refusal, or -errno. */
int transcript_check(const struct transcript_context *context, struct sp_span transcript,
                     struct transcript_result *result, struct transcript_refusal *refusal) MUST_USE;
