/* Which handler takes a message, and when it may come: both from the same row of ssh_messages.def. */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;

/* Not a phase: also legal between the peer's KEXINIT and its NEWKEYS. */
#define SSH_DURING_KEX (1u << 8)

enum dispatch_verdict {
    DISPATCH_END = 0, /* out of phase, or forbidden in a key exchange: the connection ends */
    DISPATCH_HANDLE,
    DISPATCH_UNIMPLEMENTED, /* no message of ours: RFC 4253 section 11.4 */
};

/* The decision alone: `phase` is one bit, `in_kex` says that the peer's KEXINIT has come and its NEWKEYS has not. */
enum dispatch_verdict dispatch_judge(uint8_t number, unsigned phase, bool in_kex);
/* A name for logs and texts; NULL for a number without a row. */
const char *dispatch_name(uint8_t number);

/* Handles one payload, which is not empty. 0, WORKER_E_END or -errno. */
int dispatch_message(struct connection *c, struct sp_span payload) MUST_USE;
