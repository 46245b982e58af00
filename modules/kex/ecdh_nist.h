/*
 * Agreements over the NIST curves as the methods that use them share them.
 */
#pragma once

#include "kex/agreement.h"

/* The description for one of the CURVE_ values of common/curve.h, with its cached generator. */
struct agreement *ecdh_agreement(unsigned curve);
