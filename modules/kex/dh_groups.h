/*
 * The MODP groups of RFC 3526, as the methods that use them share them. All have the generator 2 and safe primes.
 */
#pragma once

#include <openssl/bn.h>

#include "kex/agreement.h"

/* In the order of their sizes. */
enum { DH_GROUP14, DH_GROUP15, DH_GROUP16, DH_GROUP17, DH_GROUP18, DH_GROUP_COUNT };

#define DH_GENERATOR 2u

unsigned dh_group_bits(unsigned group);

/* The group's prime, made at its first use and kept; NULL if memory is short. */
const BIGNUM *dh_group_prime(unsigned group);

struct agreement *dh_group_agreement(unsigned group);

/* Makes the prime ahead of its first use; and the generator of keys too. 0 or a negative errno. */
SP_MUST_USE int dh_group_build(unsigned group);
SP_MUST_USE int dh_group_prepare(unsigned group);

/* 1 < value < p-1, the value a big-endian magnitude. 0, SP_E_MALFORMED, SP_E_REFUSED, or a negative errno. */
SP_MUST_USE int dh_group_check(unsigned group, struct sp_span value);

/* As sp_kex_ops.respond. */
SP_MUST_USE int dh_group_respond(unsigned group, struct sp_span client_public, struct sp_out *server_public,
                                 struct sp_out *secret);
