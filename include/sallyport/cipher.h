/*
 * Ciphers of the binary packet protocol (RFC 4253 section 6). A packet here is its four length octets followed by
 * `size - 4` octets of padding length, payload and padding, everything in one piece of writable memory.
 */
#pragma once

#include <sallyport/module.h>

#define SP_CIPHER_KEY_MAX 64u
#define SP_CIPHER_IV_MAX 16u
#define SP_CIPHER_TAG_MAX 16u

struct sp_cipher_ops {
    struct sp_module head;
    uint8_t key_size;   /* octets taken from the key derivation */
    uint8_t iv_size;    /* octets of initial IV taken from the key derivation; 0: none */
    uint8_t block_size; /* the encrypted part is a multiple of this, and of 8 */
    uint8_t tag_size;   /* > 0: an AEAD, which needs no MAC; its length field is outside the padded part */
    uint64_t rekey_octets; /* octets under one key after which a rekey is due, whatever is configured */

    /* `state` is freed with close(). 0 or a negative errno. */
    int (*open)(bool encrypt, struct sp_span key, struct sp_span iv, void **state);
    void (*close)(void *state);

    /* AEAD only: the packet length that the four octets stand for. Does not advance the state. */
    int (*length)(void *state, uint32_t sequence, const uint8_t head[4], uint32_t *packet_length);
    /* AEAD only: encrypts in place and writes tag_size octets right behind the packet. */
    int (*seal)(void *state, uint32_t sequence, uint8_t *packet, size_t size);
    /*
     * AEAD only: checks the tag that stands right behind the packet, then decrypts in place; the length octets
     * are left as they came. SP_E_REFUSED: the tag is wrong, and nothing of the packet may be used.
     */
    int (*unseal)(void *state, uint32_t sequence, uint8_t *packet, size_t size);

    /* Not AEAD: the next `size` octets of the stream, in place. */
    int (*crypt)(void *state, uint8_t *data, size_t size);
};
