/*
 * No client's half of sntrup761 in a build without a library for it: whoever asks for one has been told so before.
 */
#include "kex_client_sntrup761.h"

bool client_sntrup761_make(uint8_t *public_key, uint8_t secret_key[CLIENT_SNTRUP761_SIZE])
{
    return false;
}

bool client_sntrup761_open(const uint8_t secret_key[CLIENT_SNTRUP761_SIZE], struct sp_span ciphertext,
                           uint8_t shared[32])
{
    return false;
}
