/* Proofs of host keys for clients that have logged in: from a worker to the signer and back, and who has had which. */
#pragma once

#include "ipc/messages.h"

struct connection;
struct monitor;

/* A worker's ask_proof. keys: its own span, relayed unread. */
void connection_ask_proof(struct connection *c, struct sp_span keys);
/* Nobody waits for proofs any more, nor will ask for one. Whether the signer remembers the connection for their sake. */
bool connection_forget_proofs(struct connection *c);

/* The signer's messages, and its loss: what it owed is given up. */
void host_keys_prove_done(struct monitor *m, const union msg_body *body);
void host_keys_prove_refused(struct monitor *m, const union msg_body *body);
void host_keys_signer_lost(struct monitor *m);
