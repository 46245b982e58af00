/* Signatures that wait for a signer. */
#pragma once

struct connection;
struct monitor;
struct generation;

/* Those whose transcript is not on its way yet although the signer could take it: oldest first. */
struct sign_queue {
    struct connection *first, *last;
};

/* The signer knows that generation (again): sends it what its connections wait for. */
void signatures_resend(struct monitor *m, struct generation *g);
