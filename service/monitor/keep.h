/*
 * What this monitor leaves to the next, as it comes about: each connection from its login on, each generation from its first
 * hour on; and what it has counted, when it goes in order. Kept in the service manager's store, so that it is there after a
 * crash, too. Everything here does nothing where there is no store.
 */
#pragma once

struct connection;
struct generation;
struct monitor;

/* It has logged in. */
void keep_connection(struct connection *c);
/* Its phase has changed: a connection that was told to end is not to be revived. */
void keep_phase(struct connection *c);
void keep_generation(struct monitor *m, struct generation *g);
/* Before an orderly end. */
void keep_counts(struct monitor *m);
