/*
 * Message authentication of packets (RFC 4253 section 6.4), for ciphers that are no AEAD.
 *
 * A module of this kind is opened once, by the workers' zygote as it starts, and opens and closes one state there, so
 * that whatever it does once is done before the lock-down. A worker is forked from that: it has the module's code and data
 * as they were then, one thread, and a filter that allows no file, no socket, no process, no thread and no new executable
 * memory; a call that the filter does not know ends the connection. Memory, futex, clock_gettime() and getrandom() work.
 * Each connection has two states, one for each direction, and new ones after every key exchange. What a name says of itself on
 * the wire is the module's and its clients' agreement; RFC 4251 section 6 wants it to be NAME@DOMAIN.
 */
#pragma once

#include <sallyport/module.h>

#define SP_MAC_KEY_MAX 64u
#define SP_MAC_TAG_MAX 64u

struct sp_mac_ops {
    struct sp_module head;
    uint8_t key_size;
    uint8_t tag_size;
    bool etm; /* encrypt-then-MAC: over sequence, clear length and ciphertext */

    /* key: key_size octets, valid during the call. `state` is freed, and the key in it wiped, with close(). 0 or -errno. */
    int (*open)(struct sp_span key, void **state);
    void (*close)(void *state);
    /* The tag of uint32 sequence ‖ data, tag_size octets. 0 or a negative errno. */
    int (*compute)(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag);
};
