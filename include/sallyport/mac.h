/* Message authentication of packets (RFC 4253 section 6.4), for ciphers that are no AEAD. */
#pragma once

#include <sallyport/module.h>

#define SP_MAC_KEY_MAX 64u
#define SP_MAC_TAG_MAX 64u

struct sp_mac_ops {
    struct sp_module head;
    uint8_t key_size;
    uint8_t tag_size;
    bool etm; /* encrypt-then-MAC: over sequence, clear length and ciphertext */

    int (*open)(struct sp_span key, void **state);
    void (*close)(void *state);
    /* The tag of uint32 sequence ‖ data, tag_size octets. 0 or a negative errno. */
    int (*compute)(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag);
};
