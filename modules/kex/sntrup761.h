/*
 * Streamlined NTRU Prime 761 as the hybrids use it. Two files implement it, of which the build has one: through
 * libgcrypt where that has it (1.11), or not at all.
 */
#pragma once

#include "kex/hybrid.h"

#define SNTRUP761_EK_SIZE 1158u /* encapsulation key; all octets of that number are one */
#define SNTRUP761_CT_SIZE 1039u

/* What `available` answers; in a file of its own, for the signer has descriptions and no library for them. */
extern const bool sntrup761_is_built;

extern const struct hybrid_kem sntrup761;
