/*
 * What the signer has the spawner record of each signature, and what follows when it cannot: a word in the log, and with
 * SignatureLogRequired no signature. Only then a signature waits for its record.
 */
#pragma once

#include "ipc/codec.h"
#include "signer/signer.h"

/*
 * A signature that was verified. True: it waits in s->ledger.held for its record, and request_recorded() or request_failed()
 * follow; false: it may go, or, if *why is not NULL, must not.
 */
bool ledger_record(struct signer *s, struct request *request, const char **why) MUST_USE;
/* on_spawner.c calls it. */
void ledger_answered(struct signer *s, const struct msg_signature_recorded *answer);
void ledger_free(struct ledger *ledger);
