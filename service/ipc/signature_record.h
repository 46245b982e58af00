/*
 * The chain of signatures: one line of JSON for each signature that a host key has made, in one form only, so that who
 * reads it can compare it octet by octet. Each record holds the SHA-256 of the line before it (without its newline); the
 * first, 32 octets of zero. The signer's spawner writes it (signer/chain.c), the administrator's tool checks it.
 */
#pragma once

#include <sallyport/digest.h>

#include "base/util.h"

#define SIGNATURE_RECORD_MAX 768u /* octets of a line */
#define SIGNATURE_HASH_SIZE 32u
#define SIGNATURE_HASH_TEXT (2u * SIGNATURE_HASH_SIZE + 1u)

/* In the state directory; a file that is full gets ".NUMBER" of its last record, with 20 digits. One that was put aside
 * because it was damaged is called after the record that the chain goes on behind; ".001" and so on follow where the name is
 * taken. So names sort as what is in them does. */
#define SIGNATURE_LOG_NAME "signatures.log"
#define SIGNATURE_FILES_MAX 16u /* that are full or were put aside; the oldest is removed */
/* "NUMBER HASH" of the newest record that is surely on the disk, behind a line that says what it is. */
#define SIGNATURE_HEAD_NAME "signatures.head"
#define SIGNATURE_HEAD_FIRST "sallyport-signatures 1\n"
#define SIGNATURE_HEAD_MAX 128u

struct signature_record {
    uint64_t number;  /* from 1 */
    uint64_t time_us; /* since the epoch */
    char key[65];     /* "SHA256:..." of the host key */
    char algorithm[65];
    char purpose[17];    /* "kex", "rekey", "proof", ... */
    uint64_t connection; /* 0: none; 16 digits as in the log */
    char peer[65];       /* its address; "": none */
    uint64_t latency_us; /* in the token */
    uint64_t unrecorded; /* signatures since the record before that could not be recorded */
    uint8_t previous[SIGNATURE_HASH_SIZE];
};

struct signature_head {
    uint64_t number;
    uint8_t hash[SIGNATURE_HASH_SIZE];
};

/* The line, without newline, and NUL-terminated. Octets that a record's texts may not have become "?". Its size. */
size_t signature_record_write(const struct signature_record *record, char line[SIGNATURE_RECORD_MAX]);
/* False: it is no line that signature_record_write() writes. */
bool signature_record_read(struct sp_span line, struct signature_record *record) MUST_USE;
/* 0 or -errno. */
int signature_record_hash(const struct sp_digest_ops *sha256, struct sp_span line,
                          uint8_t hash[SIGNATURE_HASH_SIZE]) MUST_USE;

/* Whether a file of the directory is full, or was put aside. */
bool signature_file_is_aside(const char *name) MUST_USE;

size_t signature_head_write(const struct signature_head *head, char text[SIGNATURE_HEAD_MAX]);
bool signature_head_read(struct sp_span text, struct signature_head *head) MUST_USE;

void signature_hash_text(const uint8_t hash[SIGNATURE_HASH_SIZE], char text[SIGNATURE_HASH_TEXT]);
