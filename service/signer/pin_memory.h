/*
 * Whether a PIN may be sent to a token: not if that token has refused it, whoever had sent it, the spawner or the
 * administrator's tool; and not if it has failed twice in a row without saying why, for it may count that as a wrong PIN and
 * come to its last one.
 */
#pragma once

#include "signer/refused.h"

#define PIN_DOUBTS_MAX 64u /* PINs that nobody knows about at a time; the oldest is forgotten */
#define PIN_TRIES_MAX 2u   /* in a row that a token answered without a word about the PIN */

/* A PIN whose logins failed, and nobody knows whether the token has counted them as wrong ones. */
struct pin_doubt {
    struct refused_entry pin;
    unsigned logins, signatures; /* in a row, for each */
};

struct pin_memory {
    struct refused_pins refused;
    struct pin_doubt doubts[PIN_DOUBTS_MAX];
    size_t next; /* doubt to be forgotten */
};

enum {
    PIN_MEMORY_E_REFUSED = 1,
};

/* 0, or PIN_MEMORY_E_REFUSED: the directory is there and cannot be used. */
int pin_memory_open(struct pin_memory *memory, const char *directory, char *why, size_t why_size) MUST_USE;

/*
 * Before a PIN is sent: what others have recorded is read again. source: the PIN's, for `why`. *pin: by which it is told
 * afterwards what the token said. 0, PIN_MEMORY_E_REFUSED or -errno.
 */
int pin_memory_check(struct pin_memory *memory, struct sp_span module, struct sp_span token,
                     struct sp_span octets, const char *source, struct refused_entry *pin, char *why,
                     size_t why_size) MUST_USE;

/* What a token said, or did not say, of a PIN that was sent to it: for the login, or for a signature. Kept as long as this
 * process runs. */
void pin_memory_judge(struct pin_memory *memory, const struct refused_entry *pin, bool good, bool signing);
