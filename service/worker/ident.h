/* The exchange of identification strings (RFC 4253 section 4.2). */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct connection;

enum {
    IDENT_E_MORE = 1, /* no line end yet */
    IDENT_E_FOREIGN,  /* not SSH at all */
    IDENT_E_OLD,      /* a protocol version before 2.0 */
};

/*
 * The client's line at the start of `bytes`. *line: without CR LF; *used: with them. 0 or IDENT_E_*.
 */
int ident_parse(struct sp_span bytes, struct sp_span *line, size_t *used) MUST_USE;

/* Ours, which is sent first. */
int ident_send(struct connection *c) MUST_USE;
/* Takes the client's from the input buffer; after it the key exchange begins. 0, PACKET_E_MORE, WORKER_E_END, -errno. */
int ident_receive(struct connection *c) MUST_USE;
