/* Fingerprints by which lists name keys. */
#pragma once

#include <sallyport/types.h>

#define SP_SHA1_SIZE 20u

/*
 * SHA-1, for looking a key up in a revocation list alone (PROTOCOL.krl has sections of such fingerprints). A collision
 * there revokes too much and never too little. 0 or a negative errno: this libcrypto does not serve it.
 */
SP_MUST_USE int fingerprint_sha1(struct sp_span blob, uint8_t digest[SP_SHA1_SIZE]);

/*
 * HMAC-SHA-1, for hashed names in known_hosts alone ("|1|salt|hash" of sshd(8)), where it hides a name from who only glances
 * at the file. 0 or a negative errno.
 */
SP_MUST_USE int fingerprint_hmac_sha1(struct sp_span key, struct sp_span text, uint8_t digest[SP_SHA1_SIZE]);
