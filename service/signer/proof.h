/*
 * What a token is asked to sign besides exchange hashes (transcript.h) and proofs for clients (prover.h): a proof that a key can sign and belongs to the public key
 * that was announced for it. Its content is fixed, in the form of an SSHSIG signature (OpenSSH PROTOCOL.sshsig) in a
 * namespace of ours: it is longer than any exchange hash and begins with other bytes than any other signed blob of
 * SSH, so a proof can never pass for a signature that means something.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define PROOF_NAMESPACE "sallyport-host-key-proof"
#define PROOF_SIZE_MAX 256u

/* Appends the bytes to be signed. 0 or -errno. */
int proof_message(struct sp_out *out) MUST_USE;
