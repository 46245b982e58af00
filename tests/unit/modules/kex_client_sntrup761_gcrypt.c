/*
 * A client's half of sntrup761 by libgcrypt.
 */
#include "kex_client_sntrup761.h"

#include <gcrypt.h>

bool client_sntrup761_make(uint8_t *public_key, uint8_t secret_key[CLIENT_SNTRUP761_SIZE])
{
    return gcry_kem_keypair(GCRY_KEM_SNTRUP761, public_key, GCRY_KEM_SNTRUP761_PUBKEY_LEN, secret_key,
                            CLIENT_SNTRUP761_SIZE) == 0;
}

bool client_sntrup761_open(const uint8_t secret_key[CLIENT_SNTRUP761_SIZE], struct sp_span ciphertext,
                           uint8_t shared[32])
{
    return gcry_kem_decap(GCRY_KEM_SNTRUP761, secret_key, CLIENT_SNTRUP761_SIZE, ciphertext.data,
                          ciphertext.size, shared, 32, NULL, 0) == 0;
}
