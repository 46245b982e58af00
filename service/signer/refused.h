/*
 * The memory of refused PINs: a PIN that a token has refused is never sent to it again, for every wrong one brings the
 * token nearer to locking itself. Kept as keyed hashes, each with a key of its own.
 *
 * Two programs write the file, the spawner and the administrator's tool, which may be root in a directory that belongs to
 * the signer's user. So nothing there is believed: what is opened must be a regular file of one name that belongs to that
 * user, to root or to us; what is written is a new file, given away by its descriptor before it gets its name.
 */
#pragma once

#include <limits.h>

#include <sallyport/digest.h>

#include "base/util.h"

#define REFUSED_HASH_SIZE 32u
#define REFUSED_MAX 256u       /* PINs; the oldest is forgotten */
#define REFUSED_TOKEN_MAX 512u /* octets of a token's attributes, NUL included */
#define REFUSED_FILE_MAX (16u + REFUSED_MAX * (4u + REFUSED_TOKEN_MAX + 2u * REFUSED_HASH_SIZE))
#define REFUSED_LOCK_MS 2000u /* that another writer is waited for */

struct refused_entry {
    char token[REFUSED_TOKEN_MAX]; /* what is known of the token, as in a HostKey's URI: "token=x;serial=y" */
    uint8_t key[REFUSED_HASH_SIZE];
    uint8_t hash[REFUSED_HASH_SIZE]; /* of the module's path and the PIN */
    bool is_written;                 /* it is, or was, in the file */
};

struct refused_pins {
    char path[PATH_MAX];      /* "": not kept beyond this process */
    char directory[PATH_MAX]; /* likewise */
    const struct sp_digest_ops *digest;
    struct refused_entry entries[REFUSED_MAX];
    size_t count;
};

/*
 * Loads the memory of a directory. An empty `directory`, or one that does not exist: kept in memory alone. 0 or -errno (the
 * directory is there and cannot be used; -EPERM: what stands there is not what one of us has written).
 */
int refused_open(struct refused_pins *refused, const char *directory) MUST_USE;
/* What others have recorded since. A file that was taken away is forgotten. 0 or -errno, and then nothing has changed. */
int refused_load(struct refused_pins *refused) MUST_USE;

/*
 * How a PIN of a token would be remembered. `module`: its path, links resolved. `token`: attributes in canonical spelling;
 * those that name no token (slot-id) are left out. 0 or -errno.
 */
int refused_make(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                 struct sp_span pin, struct refused_entry *entry) MUST_USE;
/*
 * Whether an entry is this PIN, of this token or of one that may be it: who knows the serial number and who knows the label
 * alone mean the same one, unless what both know says otherwise. 0 or -errno.
 */
int refused_fits(const struct refused_pins *refused, const struct refused_entry *entry, struct sp_span module,
                 struct sp_span token, struct sp_span pin, bool *fits) MUST_USE;
/* Whether any entry does. 0 or -errno. */
int refused_has(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                struct sp_span pin, bool *has) MUST_USE;
/* Remembered in memory in any case, beside what others have recorded; 0 or -errno if it could not be written. */
int refused_add(struct refused_pins *refused, const struct refused_entry *entry) MUST_USE;

/* Whether no token can have both of these attributes. */
bool refused_tokens_differ(struct sp_span a, struct sp_span b);

/* The file's contents. 0 or -EBADMSG, and then nothing has changed. */
int refused_parse(struct sp_span text, struct refused_entry entries[REFUSED_MAX], size_t *count) MUST_USE;
/* Appends them. 0 or SP_E_NO_ROOM, which REFUSED_FILE_MAX octets are not. */
int refused_print(const struct refused_entry *entries, size_t count, struct sp_out *out) MUST_USE;
