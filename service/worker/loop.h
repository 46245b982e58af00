/* The life of one connection in its worker, from the first octet to the last words. */
#pragma once

struct connection;

/* Serves the client until it ends, says `ended` to the monitor, and returns. */
void connection_serve(struct connection *c);
