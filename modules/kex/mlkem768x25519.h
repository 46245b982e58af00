/*
 * The parts of mlkem768x25519-sha256 that need no ML-KEM in libcrypto.
 */
#pragma once

#include <sallyport/kex.h>

#define MLKEM768_EK_SIZE 1184u /* encapsulation key: 768 coefficients of 12 bits, a seed of 32 octets */
#define MLKEM768_CT_SIZE 1088u
#define MLKEM768_SECRET_SIZE 32u

/* FIPS 203 section 7.2: every coefficient of a key of MLKEM768_EK_SIZE octets is reduced. 0 or SP_E_REFUSED.
 */
SP_MUST_USE int mlkem768_check_key(struct sp_span key);

/* K = SHA256(ML-KEM's secret ‖ X25519's), appended. 0, SP_E_NO_ROOM, or a negative errno. */
SP_MUST_USE int mlkem768x25519_combine(const uint8_t mlkem[static 32], const uint8_t x25519[static 32],
                                       struct sp_out *secret);
