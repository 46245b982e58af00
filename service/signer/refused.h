/*
 * The memory of refused PINs: a PIN that a token has refused is never sent to it again, for every wrong one brings the
 * token nearer to locking itself. Kept as keyed hashes, so that the file tells nobody a PIN without the key beside it.
 */
#pragma once

#include <limits.h>

#include <sallyport/digest.h>

#include "base/util.h"

#define REFUSED_HASH_SIZE 32u
#define REFUSED_MAX 256u /* hashes; the oldest is forgotten */

struct refused_pins {
    char path[PATH_MAX]; /* "": not kept beyond this process */
    const struct sp_digest_ops *digest;
    uint8_t key[REFUSED_HASH_SIZE];
    uint8_t hashes[REFUSED_MAX][REFUSED_HASH_SIZE];
    size_t count;
};

/*
 * Loads the memory of a directory, or begins a new one there. An empty `directory`, or one that does not exist: kept in
 * memory alone. 0 or -errno (the directory is there and cannot be used).
 */
int refused_open(struct refused_pins *refused, const char *directory) MUST_USE;

/* A PIN of a token, as it is remembered. 0 or -errno. */
int refused_hash(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                 struct sp_span pin, uint8_t hash[REFUSED_HASH_SIZE]) MUST_USE;
bool refused_has(const struct refused_pins *refused, const uint8_t hash[REFUSED_HASH_SIZE]);
/* Remembered in memory in any case; 0 or -errno if it could not be written. */
int refused_add(struct refused_pins *refused, const uint8_t hash[REFUSED_HASH_SIZE]) MUST_USE;
