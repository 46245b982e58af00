/*
 * X25519 (RFC 7748) as the methods that use it share it.
 */
#pragma once

#include "kex/agreement.h"

#define X25519_SIZE 32u

/* The one description of X25519 agreements, with its cached generator. */
struct agreement *x25519_agreement(void);

/*
 * Whether a public value is usable: 32 octets, and none of the points of small order, whose agreements are
 * zero whatever the secret. 0, SP_E_MALFORMED, SP_E_REFUSED.
 */
SP_MUST_USE int x25519_check(struct sp_span public_value);
