/*
 * A detached signature as `ssh-keygen -Y sign` makes it (PROTOCOL.sshsig of OpenSSH): its armour, its fields, and what
 * was signed. Only the form is judged here; whose key it is and what it may sign is trust.c's to say.
 */
#pragma once

#include <sallyport/keytype.h>

#include "policy/policy.h"

#define SSHSIG_BLOB_MAX (POLICY_SIGNATURE_MAX / 4 * 3) /* octets of a signature without its armour */
#define SSHSIG_NAMESPACE_MAX 256u
#define SSHSIG_RESERVED_MAX 256u
#define SSHSIG_HASH_NAME_MAX 16u
/* Octets of what a signature is over: magic, namespace, reserved, hash algorithm, hash. */
#define SSHSIG_SIGNED_MAX                                                                                    \
    (6u + 4u * 4u + SSHSIG_NAMESPACE_MAX + SSHSIG_RESERVED_MAX + SSHSIG_HASH_NAME_MAX + 64u)

/* All spans point into the blob that was parsed. */
struct sshsig {
    struct sp_span public_key; /* a key's or a certificate's blob */
    struct sp_span name_space; /* never empty */
    struct sp_span reserved;   /* means nothing yet, and is signed nevertheless */
    const char *hash;          /* "sha256" or "sha512" */
    struct sp_span signature;  /* string algorithm, string signature, and what an authenticator adds */
};

/*
 * Each gives 0, or SP_E_MALFORMED with *why a static text that says what is wrong.
 *
 * Takes the armour off: `blob` gets the octets. Nothing may stand before it, and one newline at most behind it.
 */
int sshsig_dearmour(struct sp_span text, struct sp_out *blob, const char **why) MUST_USE;
/* Leftover octets, another version and other hash algorithms are malformed. */
int sshsig_parse(struct sp_span blob, struct sshsig *sig, const char **why) MUST_USE;

/* Appends what sig->signature is over, for a message with this hash. 0 or SP_E_NO_ROOM. */
int sshsig_put_signed(const struct sshsig *sig, struct sp_span hash, struct sp_out *out) MUST_USE;
