/*
 * UMAC below the ABI: with any nonce, for the vectors of RFC 4418, whose nonce is no packet's.
 */
#pragma once

#include <sallyport/mac.h>

#define UMAC_NONCE_SIZE 8u

/* `state` is that of the module's open(); `tag` has room for 8 and 16 octets. */
void umac_64_tag(void *state, const uint8_t nonce[UMAC_NONCE_SIZE], struct sp_span data, uint8_t *tag);
void umac_128_tag(void *state, const uint8_t nonce[UMAC_NONCE_SIZE], struct sp_span data, uint8_t *tag);
