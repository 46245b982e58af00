/*
 * The MODP groups of RFC 3526 that SSH names (RFC 8268).
 */
#pragma once

#include <openssl/bn.h>

#include "kex/agreement.h"

enum { DH_GROUP14, DH_GROUP16, DH_GROUP18, DH_GROUP_COUNT };

/* The group's prime, made at its first use and kept; NULL if memory is short. */
const BIGNUM *dh_group_prime(unsigned group);

struct agreement *dh_group_agreement(unsigned group);

/* 1 < value < p-1, the value a big-endian magnitude. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno. */
SP_MUST_USE int dh_group_check(unsigned group, struct sp_span value);
