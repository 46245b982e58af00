/*
 * Signed policies: whether a policy file is one that somebody has signed who may, and which one it is.
 *
 *   file of signers --policy_trust_read--> struct policy_trust
 *   policy file with its signature, time --policy_trust_verify--> struct policy_signature, or why not
 *
 * What is signed is the file's text, made by
 *
 *   ssh-keygen -Y sign -n sallyport-policy -f KEY NAME.policy
 *
 * which writes NAME.policy.sig. The text says itself which file it is (Name) and how new (Serial), so that neither a
 * signed text under another's name nor an older one can pass for it; the serial is for the caller to compare with what it
 * has seen.
 */
#pragma once

#include "policy/policy.h"

#define POLICY_SIGNATURE_NAMESPACE "sallyport-policy"
#define POLICY_TRUST_MAX 65536u /* octets of a file of signers */
#define POLICY_DIGEST_SIZE 32u  /* SHA-256 */

struct policy_trust;

/* Who signed a file, and which file it is. */
struct policy_signature {
    char signer[256];     /* the principals of the signer's line, or the one of its certificate */
    char fingerprint[64]; /* "SHA256:..." of its key; of the key in its certificate */
    char algorithm[64];   /* "ssh-ed25519", "rsa-sha2-512", ... */
    unsigned line;        /* of the file of signers */
    uint64_t serial;      /* the file's Serial, never 0 */
    uint8_t digest[POLICY_DIGEST_SIZE]; /* of its text */
};

/*
 * text: in the format of ALLOWED SIGNERS in ssh-keygen(1); file: what it is called in errors. A line that is not understood
 * is an error. Times without "Z" are local ones, so call it where /etc/localtime can be read. 0, POLICY_E_INVALID or
 * -ENOMEM.
 */
int policy_trust_read(const char *file, struct sp_span text, struct policy_trust **trust,
                      struct policy_error *error) MUST_USE;
void policy_trust_free(struct policy_trust *trust);
/* What policy_trust_read() was told. */
const char *policy_trust_file(const struct policy_trust *trust);

/*
 * now: seconds since the epoch, within the signer's time. 0, POLICY_E_INVALID with "FILE: what is wrong", or a negative
 * errno (libcrypto failed). *who is untouched but by 0.
 */
int policy_trust_verify(const struct policy_trust *trust, const struct policy_file *file, int64_t now,
                        struct policy_signature *who, struct policy_error *error) MUST_USE;

/* Whether a file is the program's own DEFAULT, which came with it and needs no signature. */
bool policy_trust_is_own(const struct policy_file *file);
