/*
 * Statements about a token and its keys: {"statement": TEXT, "signatures": [{"key", "signature"}]}. The text is JSON itself,
 * kept as text so that it is signed octet by octet; each signature is an SSHSIG, as `ssh-keygen -Y` makes and verifies it.
 */
#pragma once

#include "ctl/key_found.h"

#define ATTESTATION_NAMESPACE "sallyport-attestation"
#define ATTESTATION_FORMAT "sallyport-attestation/1"
#define ATTESTATION_MAX (1024u * 1024u) /* octets of a file */
#define ATTESTATION_SIGNATURE_MAX 8192u /* octets of an armoured signature, with a NUL */

/* Signs a text with a key of the token; `armoured` gets the signature. 0, or CTL_FAILED and said. */
int attestation_sign(struct token_run *run, const struct sp_manage_key *key, struct sp_span text,
                     char armoured[ATTESTATION_SIGNATURE_MAX]) MUST_USE;

/*
 * Judges a whole file: that each key of the statement has signed it, and nobody else. expected: public keys ("TYPE BASE64
 * COMMENT" lines) that the statement's keys have to be among, or an empty span; nonce: what has to be in it, or NULL.
 * *found gets "statement", "keys" (each with "good" and "why") and "good". 0, or CTL_FINDING.
 */
int attestation_verify(struct sp_span file, struct sp_span expected, const char *nonce,
                       json_t *found) MUST_USE;
