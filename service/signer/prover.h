/*
 * Proofs of host keys for clients that have logged in (OpenSSH PROTOCOL section 2.5, hostkeys-prove-00@openssh.com): the
 * one thing that a client can have signed besides exchanges. What is signed is built here from the session id, which the
 * monitor knows, and from a key of our own: a worker chooses nothing but which of the keys.
 *
 * Exchanges come first. A proof goes to a token only while nothing waits for that token, one proof at a time over all, so
 * an exchange waits for one of them at most; how many there may be is bounded by prove_budget.h and by PROVER_WAITING_MAX.
 */
#pragma once

#include "base/util.h"
#include "ipc/messages.h"

#define PROVER_WAITING_MAX 128u /* connections */
#define PROVE_MESSAGE_MAX 4352u /* octets that are signed: name, session id and the longest blob */
#define PROVE_NAME "hostkeys-prove-00@openssh.com"

struct generation;
struct prover;
struct request;
struct signer;

int prover_new(struct prover **prover) MUST_USE;
void prover_free(struct prover *prover);

/* Appends what a key signs for a session: the string name, the string session id, the string blob. */
void prove_message(struct sp_span session_id, struct sp_span blob, struct sp_out *out);

/* The monitor's message; its answer follows. */
void prover_ask(struct signer *s, const struct msg_prove *message);
/* Sends a token what may be sent, and refuses what has waited for too long. For signer_settle() and the tick. */
void prover_pump(struct signer *s);
bool prover_is_busy(const struct signer *s);

/* The connection, the monitor, a generation is gone. */
void prover_forget(struct signer *s, uint64_t connection);
void prover_reset(struct signer *s);
void prover_drop(struct signer *s, const struct generation *g);

/* How its requests end; the caller frees them. */
void prover_signed(struct signer *s, const struct request *request, struct sp_span signature);
void prover_failed(struct signer *s, const struct request *request, const char *why);
