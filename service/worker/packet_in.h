/* The input buffer: what read(2) gave, taken apart into an identification line and packets. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct connection;

enum {
    PACKET_E_MORE = 1, /* not all there yet */
};

/* Whether there is room to read more of the client into. */
bool packet_has_room(const struct connection *c);
/* One read(2), as much as fits. Notes the end of the stream in transport.input.eof. 0, WORKER_E_END or -errno. */
int packet_read(struct connection *c) MUST_USE;
/*
 * The next packet's payload, decrypted in place, expanded and never empty; valid until the next packet_read() or
 * packet_next(). 0, PACKET_E_MORE, WORKER_E_END or -errno.
 */
int packet_next(struct connection *c, struct sp_span *payload) MUST_USE;
