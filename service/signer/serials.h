/*
 * The memory of serials: the highest Serial of each signed policy that this machine has accepted, and the digest of the
 * text that had it, so that no older policy, and no other of the same serial, is ever taken for it. The signer judges by
 * it, the spawner keeps it in a file; between them it travels as a list in `policy_serials` and `policy_serial_keep`.
 */
#pragma once

#include <limits.h>

#include <sallyport/types.h>

#include "base/util.h"
#include "policy/trust.h"

#define SERIALS_MAX 256u /* policies; none is ever forgotten, as that would let an old one in again */
#define SERIALS_PACKED_MAX (SERIALS_MAX * (4u + POLICY_NAME_MAX + 8u + POLICY_DIGEST_SIZE))

enum {
    SERIALS_E_REFUSED = 1, /* `why` says which and why */
};

struct serial {
    char name[POLICY_NAME_MAX + 1]; /* of the policy */
    uint64_t serial;
    uint8_t digest[POLICY_DIGEST_SIZE];
};

struct serials {
    struct serial items[SERIALS_MAX];
    size_t count;
};

/* What is remembered of a policy, or NULL. */
const struct serial *serials_get(const struct serials *serials, const char *name);
/* Whether a policy's text may follow what is remembered of it. 0 or SERIALS_E_REFUSED. */
int serials_check(const struct serials *serials, const struct serial *serial, char *why,
                  size_t why_size) MUST_USE;
/* Remembers, in place of an older one. 0 or SERIALS_E_REFUSED, as serials_check(). */
int serials_set(struct serials *serials, const struct serial *serial, char *why, size_t why_size) MUST_USE;

/* List of (text name, uint64 serial, 32 octets of digest). 0 or SP_E_NO_ROOM; 0 or SP_E_MALFORMED. */
int serials_pack(const struct serials *serials, struct sp_out *out) MUST_USE;
int serials_unpack(struct sp_span bytes, struct serials *serials) MUST_USE;

/* serials_file.c: the file of it in the signer's state directory. */
struct serials_file {
    char path[PATH_MAX]; /* "": there is no directory */
};

/*
 * Reads a directory's memory; one that was never written is empty. 0, SERIALS_E_REFUSED with *why a sentence: there is no
 * directory, or the file cannot be read or is damaged. Nothing may be accepted then, as nobody knows what was.
 */
int serials_open(struct serials_file *file, const char *directory, struct serials *serials, char *why,
                 size_t why_size) MUST_USE;
/* Writes it anew, so that after a crash the old or the new one is there whole. 0 or -errno. */
int serials_write(const struct serials_file *file, const struct serials *serials) MUST_USE;
