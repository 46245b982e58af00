/*
 * Whether a PIN may be sent to a token: not if that token has refused it, whoever had sent it, the spawner or the
 * administrator's tool.
 */
#pragma once

#include "signer/refused.h"

struct pin_memory {
    struct refused_pins refused;
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
