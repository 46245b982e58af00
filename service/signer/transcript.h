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

enum {
    TRANSCRIPT_E_REFUSED = 1, /* see the struct transcript_refusal */
};

/* What the monitor knows about the connection. */
struct transcript_context {
    const struct msg_offer *offer; /* of the connection's generation */
    bool first;                    /* nothing was signed for it before */
    struct sp_span session_id;     /* empty if first */
};

struct transcript_result {
    struct sp_span client_version;
    struct negotiated chosen; /* spans into the transcript */
    const struct sp_keytype_ops *keytype;
    size_t key;              /* position in offer->keys */
    struct sp_span host_key; /* its blob, in the offer */
    uint8_t h[SP_DIGEST_MAX];
    size_t h_size;
};

struct transcript_refusal {
    uint32_t reason; /* RFC 4250 section 4.2.2 */
    char text[512];  /* for the client */
    char why[768];   /* for the log; no bytes of the peer's but names that were checked */
};

/* 0, TRANSCRIPT_E_REFUSED with *refusal, or -errno. */
int transcript_check(const struct transcript_context *context, struct sp_span transcript,
                     struct transcript_result *result, struct transcript_refusal *refusal) MUST_USE;
