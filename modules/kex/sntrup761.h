/*
 * Streamlined NTRU Prime 761 as the hybrids use it. Two files implement it, of which a build has one: with libgcrypt
 * where that has it (1.11), and without.
 */
#pragma once

#include "kex/hybrid.h"

#define SNTRUP761_EK_SIZE 1158u /* encapsulation key; every string of that many octets is one */
#define SNTRUP761_CT_SIZE 1039u

extern const struct hybrid_kem sntrup761;
