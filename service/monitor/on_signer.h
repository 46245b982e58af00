/* Signatures that wait for a signer. */
#pragma once

struct monitor;
struct generation;

/* The signer knows that generation (again): sends it what its connections wait for. */
void signatures_resend(struct monitor *m, struct generation *g);
