/*
 * sntrup761 by libgcrypt: a client's encapsulation key comes from a hybrid, ciphertext and secret go back to it.
 * RFC 9941; the chapter "Key Encapsulation" of libgcrypt's manual.
 *
 * What libgcrypt does once (it reads files, looks at the processor, chooses its random numbers) is done in `prepare`,
 * after which a worker may ask the kernel for random octets and for little else. It is told to take those and to keep
 * none, so that two forks of one process cannot have the same.
 */
#include <errno.h>

#include <gcrypt.h>

#include <sallyport/wire.h>

#include "kex/sntrup761.h"

_Static_assert(SNTRUP761_EK_SIZE == GCRY_KEM_SNTRUP761_PUBKEY_LEN &&
                   SNTRUP761_CT_SIZE == GCRY_KEM_SNTRUP761_ENCAPS_LEN &&
                   HYBRID_KEM_SECRET_SIZE == GCRY_KEM_SNTRUP761_SHARED_LEN,
               "libgcrypt's sntrup761 is RFC 9941's");

/* Set when the library is ready. Who links this has one thread. */
static bool is_ready;

static int encapsulate(struct sp_span key, uint8_t ciphertext[static SNTRUP761_CT_SIZE],
                       uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    return gcry_kem_encap(GCRY_KEM_SNTRUP761, key.data, key.size, ciphertext, SNTRUP761_CT_SIZE, secret,
                          HYBRID_KEM_SECRET_SIZE, NULL, 0) == 0
               ? 0
               : -EIO;
}

/* The order is that of the manual. No locked memory: a worker has no core and its pages go with it. */
static int library_begin(void)
{
    int random_type = 0;
    gcry_control(GCRYCTL_SET_PREFERRED_RNG_TYPE, GCRY_RNG_TYPE_SYSTEM);
    if (!gcry_check_version(GCRYPT_VERSION))
        return -ENOTSUP;
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    gcry_control(GCRYCTL_GET_CURRENT_RNG_TYPE, &random_type);
    return random_type == GCRY_RNG_TYPE_SYSTEM ? 0 : -ENOTSUP;
}

/* Once all the way through, so that everything which is made at its first use is there. */
static int sntrup761_prepare(void)
{
    static const uint8_t some_key[SNTRUP761_EK_SIZE];
    uint8_t ciphertext[SNTRUP761_CT_SIZE], secret[HYBRID_KEM_SECRET_SIZE];
    if (is_ready)
        return 0;
    int result = library_begin();
    if (result == 0)
        result = encapsulate(sp_span_of(some_key, sizeof some_key), ciphertext, secret);
    is_ready = result == 0;
    return result;
}

static int sntrup761_encapsulate(struct sp_span key, struct sp_out *ciphertext,
                                 uint8_t secret[static HYBRID_KEM_SECRET_SIZE])
{
    uint8_t bytes[SNTRUP761_CT_SIZE];
    int result = sntrup761_prepare();
    if (result == 0)
        result = encapsulate(key, bytes, secret);
    if (result != 0)
        return result;
    sp_put_raw(ciphertext, sp_span_of(bytes, sizeof bytes));
    return sp_put_end(ciphertext);
}

const struct hybrid_kem sntrup761 = {.encapsulate = sntrup761_encapsulate, .prepare = sntrup761_prepare};
