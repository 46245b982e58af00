/* The output buffer, as the loop and the key exchange see it; writers of messages use packet.h. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct connection;

/* Octets that wait for the socket. */
size_t packet_waiting(const struct connection *c);
/* One write(2) of what waits. A client that is gone ends the connection. 0, WORKER_E_END or -errno. */
int packet_flush(struct connection *c) MUST_USE;
/* Octets that are no packet: the identification line. 0 or -ENOBUFS. */
int packet_put_line(struct connection *c, struct sp_span line) MUST_USE;
/* Our NEWKEYS is out: messages that were kept follow it, encrypted under the new keys. */
int packet_send_kept(struct connection *c) MUST_USE;
