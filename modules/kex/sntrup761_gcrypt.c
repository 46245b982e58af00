/*
 * sntrup761 by libgcrypt: a client's encapsulation key comes from a hybrid, ciphertext and secret go back to it.
 * RFC 9941; gcrypt.info, "Key Encapsulation".
 *
 * What libgcrypt does once (its files, its tables, its choice of random numbers) is done in `prepare`, before a worker
 * may do no more than ask the kernel for random octets. It is told to take those and keep none, so that two forks of
 * one process cannot have the same.
 */
#include <errno.h>

#include <gcrypt.h>

#include <sallyport/wire.h>

#include "kex/sntrup761.h"

#define SHARED_SIZE 32u

_Static_assert(SHARED_SIZE == HYBRID_KEM_SECRET_SIZE && SNTRUP761_EK_SIZE == GCRY_KEM_SNTRUP761_PUBKEY_LEN &&
                   SNTRUP761_CT_SIZE == GCRY_KEM_SNTRUP761_ENCAPS_LEN &&
                   SHARED_SIZE == GCRY_KEM_SNTRUP761_SHARED_LEN,
               "libgcrypt's sntrup761 is RFC 9941's");

static int library_begin(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return 0;
    gcry_control(GCRYCTL_SET_PREFERRED_RNG_TYPE, GCRY_RNG_TYPE_SYSTEM);
    if (!gcry_check_version(GCRYPT_VERSION))
        return -ENOTSUP;
    /* Nothing of the worker's is ever written to a disk: it has no core, and locked memory is not its to have. */
    gcry_control(GCRYCTL_DISABLE_SECMEM);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED);
    return gcry_get_rng_is_system() ? 0 : -ENOTSUP;
}
