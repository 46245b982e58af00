/* The file that RevokedKeys names: a revocation list (krl.h), or public keys one on each line. */
#pragma once

#include "base/util.h"

#include "session/asuser/key_subject.h"

#define REVOKED_SIZE_MAX (8u * 1024u * 1024u) /* octets of the file; it is read again for each key */

/* {0}: no such file. */
struct revoked {
    bool present;
    uint8_t *bytes; /* owned */
    size_t size;
};

enum {
    REVOKED_E_REVOKED = 1,
    REVOKED_E_MALFORMED = 2, /* what it revokes cannot be known, so every key counts as revoked */
};

/* Reads the descriptor, which stays the caller's. 0 or -errno: -EFBIG. */
int revoked_read(int fd, struct revoked *revoked) MUST_USE;
void revoked_free(struct revoked *revoked);
/* Whether the key, the one in a certificate, the certificate or its authority is named. 0: not. why says how, or what is
 * wrong with the file. */
int revoked_check(const struct revoked *revoked, const struct key_subject *subject, char *why,
                  size_t why_size) MUST_USE;
