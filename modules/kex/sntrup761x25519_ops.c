/*
 * The operations of sntrup761x25519-sha512 and its older name, for the worker alone (sntrup761x25519.c has the rest).
 */
#include "kex/sntrup761.h"

#define SNTRUP761_METHOD(symbol)                                                                             \
    extern const struct sp_kex_info kex_##symbol##_info;                                                     \
    const struct sp_kex_ops kex_##symbol = {                                                                 \
        .info = &kex_##symbol##_info,                                                                        \
        .own = &sntrup761,                                                                                   \
        .respond = hybrid_respond,                                                                           \
        .prepare = hybrid_prepare,                                                                           \
    }

SNTRUP761_METHOD(sntrup761x25519_sha512);
SNTRUP761_METHOD(sntrup761x25519_sha512_openssh);
