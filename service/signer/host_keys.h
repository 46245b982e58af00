/*
 * A generation's host keys as clients and administrators know them: which are announced, what proves each, how they are
 * described. Current keys sign exchanges; staged ones are announced and proved, and nothing else.
 */
#pragma once

#include "signer/generation.h"

#define HOST_KEY_FINGERPRINT_MAX 80u /* "SHA256:" and base64, NUL included */

/* The position, among the plan's, of the announced key with that blob. False: there is none. */
bool host_keys_find(const struct generation *g, struct sp_span blob, size_t *key);

/*
 * What a key proves itself to a client with. negotiated: of the first exchange, as in sign_done: an RSA key takes the digest
 * that was agreed on there, as OpenSSH's clients expect it, and SHA-512 otherwise. NULL: it has no algorithm.
 */
const struct sp_keytype_ops *host_key_algorithm(const struct proven_key *key, struct sp_span negotiated);

/*
 * Appends those that are only announced to the list of what is offered, without algorithms; `count` and the result: how
 * many are in it.
 */
size_t host_keys_stage(const struct generation *g, struct proven_key *keys, size_t count, size_t limit);

/* "SHA256:..."; empty if this libcrypto has no SHA-256. */
void host_key_fingerprint(struct sp_span blob, char text[HOST_KEY_FINGERPRINT_MAX]);
/* Tells the monitor, for whoever asks it. */
void host_keys_tell(const struct generation *g);
