/*
 * The chain of signatures on disk, which the spawner keeps: signatures.log in the signer's state directory, older files
 * beside it, and signatures.head, which says how far the chain had come. Records are written at once and brought to the
 * disk once in a second, so a signature costs no wait for the disk; what the power takes away is the last second, which the
 * monitor's log still has the hashes of.
 *
 * What is found damaged when the chain is opened stays as it is, in a file of its own, and the chain goes on behind the
 * head: so what was altered or cut off can be seen ever after.
 */
#pragma once

#include <limits.h>

#include "ipc/signature_record.h"

#define CHAIN_SYNC_MS 1000u

struct chain {
    char directory[PATH_MAX];
    int directory_fd; /* holds the lock; -1: not open */
    int fd;
    const struct sp_digest_ops *sha256;
    struct signature_head head; /* the newest record */
    uint64_t size;              /* octets in the file */
    uint64_t unrecorded;
    bool is_dirty; /* not all is on the disk */
};

enum chain_result {
    CHAIN_OK,
    CHAIN_NOTE,   /* recorded, and `why` tells what else happened: a file made way */
    CHAIN_BROKEN, /* recorded, and `why` tells what was found damaged */
    CHAIN_LOST,   /* not recorded; `why` tells the reason */
};

void chain_init(struct chain *chain, const char *directory);
/*
 * Appends a record: number, previous and unrecorded are filled in. Opens the chain first if need be, also when that failed
 * before. *line: as it was written. `limit`: octets of a file.
 */
enum chain_result chain_append(struct chain *chain, struct signature_record *record, uint64_t limit,
                               char line[SIGNATURE_RECORD_MAX], char *why, size_t why_size) MUST_USE;
/* Brings all to the disk, and the head with it. 0 or -errno; what is not there yet is tried again. */
int chain_sync(struct chain *chain) MUST_USE;
/* Syncs as far as that goes, and gives the lock up. */
void chain_close(struct chain *chain);
