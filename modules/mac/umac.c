/*
 * umac-64@openssh.com and umac-128@openssh.com, plain and encrypt-then-MAC: packets come from the transport, tags go
 * back to it. RFC 4418 for UMAC, draft-miller-secsh-umac for its use in SSH: the nonce is the packet's sequence number
 * as 64 bits, and no part of the message. The arithmetic is nettle's, which allocates nothing and looks nothing up.
 */
#include "mac/umac.h"

#include <errno.h>
#include <stdlib.h>

#include <nettle/umac.h>

/* The nonce of a sequence number. Under one key none comes twice: keys change before 2^31 packets. */
static void nonce_put(uint32_t sequence, uint8_t nonce[UMAC_NONCE_SIZE])
{
    memset(nonce, 0, UMAC_NONCE_SIZE);
    for (size_t i = 0; i < sizeof sequence; i++)
        nonce[UMAC_NONCE_SIZE - 1 - i] = (uint8_t)(sequence >> (8 * i));
}

#define UMAC(bits)                                                                                           \
    static int umac_##bits##_open(struct sp_span key, void **state)                                          \
    {                                                                                                        \
        if (key.size != UMAC_KEY_SIZE)                                                                       \
            return -EINVAL;                                                                                  \
        struct umac##bits##_ctx *context = malloc(sizeof *context);                                          \
        if (!context)                                                                                        \
            return -ENOMEM;                                                                                  \
        umac##bits##_set_key(context, key.data);                                                             \
        *state = context;                                                                                    \
        return 0;                                                                                            \
    }                                                                                                        \
                                                                                                             \
    static void umac_##bits##_close(void *state)                                                             \
    {                                                                                                        \
        if (state)                                                                                           \
            explicit_bzero(state, sizeof(struct umac##bits##_ctx));                                          \
        free(state);                                                                                         \
    }                                                                                                        \
                                                                                                             \
    void umac_##bits##_tag(void *state, const uint8_t nonce[UMAC_NONCE_SIZE], struct sp_span data,           \
                           uint8_t *tag)                                                                     \
    {                                                                                                        \
        umac##bits##_set_nonce(state, UMAC_NONCE_SIZE, nonce);                                               \
        umac##bits##_update(state, data.size, data.data);                                                    \
        umac##bits##_digest(state, UMAC##bits##_DIGEST_SIZE, tag);                                           \
    }                                                                                                        \
                                                                                                             \
    static int umac_##bits##_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)      \
    {                                                                                                        \
        uint8_t nonce[UMAC_NONCE_SIZE];                                                                      \
        nonce_put(sequence, nonce);                                                                          \
        umac_##bits##_tag(state, nonce, data, tag);                                                          \
        return 0;                                                                                            \
    }

UMAC(64)
UMAC(128)

#define UMAC_OPS(symbol, name_, bits, etm_)                                                                  \
    const struct sp_mac_ops mac_##symbol = {                                                                 \
        .head = SP_MODULE_HEAD(SP_KIND_MAC, struct sp_mac_ops, name_),                                       \
        .key_size = UMAC_KEY_SIZE,                                                                           \
        .tag_size = UMAC##bits##_DIGEST_SIZE,                                                                \
        .etm = (etm_),                                                                                       \
        .open = umac_##bits##_open,                                                                          \
        .close = umac_##bits##_close,                                                                        \
        .compute = umac_##bits##_compute,                                                                    \
    }

UMAC_OPS(umac_64, "umac-64@openssh.com", 64, false);
UMAC_OPS(umac_128, "umac-128@openssh.com", 128, false);
UMAC_OPS(umac_64_etm, "umac-64-etm@openssh.com", 64, true);
UMAC_OPS(umac_128_etm, "umac-128-etm@openssh.com", 128, true);
