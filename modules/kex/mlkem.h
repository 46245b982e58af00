/*
 * ML-KEM (FIPS 203) through libcrypto, as the hybrids use it. Whether libcrypto has it (3.5 does) is found out at run
 * time; checks of keys need none.
 */
#pragma once

#include "kex/hybrid.h"

#define MLKEM768_EK_SIZE 1184u /* encapsulation key: 768 coefficients of 12 bits, a seed of 32 octets */
#define MLKEM768_CT_SIZE 1088u
#define MLKEM1024_EK_SIZE 1568u
#define MLKEM1024_CT_SIZE 1568u

/* As sp_kex_info.available. */
bool mlkem_available(void);

/* FIPS 203 section 7.2: every coefficient of a key is reduced. As hybrid_shape.check_key, of both sizes. */
SP_MUST_USE int mlkem_check_key(struct sp_span key);

extern const struct hybrid_kem mlkem768, mlkem1024;
