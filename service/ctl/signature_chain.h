/* Checking the chain of signatures: files in their order, and the head beside them. */
#pragma once

#include <jansson.h>

#include "ipc/signature_record.h"

#define CHAIN_FINDINGS_MAX 1000u /* that are told one by one */

struct chain_check {
    const struct sp_digest_ops *sha256;
    json_t *found;                /* where all of this is told; borrowed */
    uint64_t records, unrecorded; /* read; not recorded by the chain's own account */
    uint64_t first;               /* the first record's number; 0: none yet */
    struct signature_head last;   /* the newest; number 0: none yet */
    bool is_blind;                /* the line before was no record, so its hash means nothing */
    struct signature_head head;   /* as its file has it; number 0: there is none */
    bool has_head, head_is_right; /* a record of that number was seen; with that hash */
    bool is_from_the_beginning;   /* record 1 should be among them */
    const uint8_t *wanted;        /* a hash to look for; NULL: none */
    bool has_wanted;
    uint64_t finding_count;
};

/* `found` gets arrays "files" and "findings". 0 or -errno. */
int chain_check_begin(struct chain_check *check, json_t *found) MUST_USE;
/* The head's file, before any other is read: records are on the disk before their head is. */
void chain_check_head(struct chain_check *check, const char *path);
/* The next file. 0 or -errno (it cannot be read). */
int chain_check_file(struct chain_check *check, const char *path) MUST_USE;
/* Tells what it all comes to; true: the chain is whole. */
bool chain_check_end(struct chain_check *check) MUST_USE;
