/*
 * sntrup761 in a build without a library for it: the methods have their names and sizes, and are not available.
 */
#include <errno.h>

#include "kex/sntrup761.h"

static int sntrup761_encapsulate(struct sp_span key, struct sp_out *ciphertext,
                                 uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    return -EOPNOTSUPP;
}

static int sntrup761_prepare(void)
{
    return 0;
}

const struct hybrid_kem sntrup761 = {.encapsulate = sntrup761_encapsulate, .prepare = sntrup761_prepare};
