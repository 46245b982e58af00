/* Connections that a balancer has opened for somebody (PROXY protocol): whose they are. */
#pragma once

#include "monitor/connections.h"

/*
 * The worker has read whose connection it is. From here on the connection has that address: it is admitted by it or refused,
 * and counted, judged and written down by it.
 */
void connection_take_proxied(struct connection *c, const struct msg_proxied *said);

/* A balancer's check that came and went, or one that was refused and is in the log as that: nobody wants to read of its end. */
bool connection_ends_unseen(const struct connection *c);
