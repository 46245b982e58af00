/*
 * A client's half of sntrup761 in libgcrypt's plain words; in a build without it nobody is there to make a key.
 */
#pragma once

#include <sallyport/types.h>

#define CLIENT_SNTRUP761_SIZE 1763u /* octets of a secret key */

bool client_sntrup761_make(uint8_t *public_key, uint8_t secret_key[CLIENT_SNTRUP761_SIZE]);
bool client_sntrup761_open(const uint8_t secret_key[CLIENT_SNTRUP761_SIZE], struct sp_span ciphertext,
                           uint8_t shared[32]);
