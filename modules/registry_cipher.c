/*
 * The built-in ciphers, by name.
 */
#include <sallyport/registry.h>

#define CIPHER(symbol, name) extern const struct sp_cipher_ops cipher_##symbol;
#include "registry.def"

static const struct sp_cipher_ops *const ciphers[] = {
#define CIPHER(symbol, name) &cipher_##symbol,
#include "registry.def"
};

const struct sp_cipher_ops *cipher_at(size_t index)
{
    return index < sizeof ciphers / sizeof ciphers[0] ? ciphers[index] : NULL;
}

const struct sp_cipher_ops *cipher_find(struct sp_span name)
{
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++)
        if (sp_span_is(name, cipher->head.name))
            return cipher;
    return NULL;
}

/* What a cipher does once, it does when it is opened first. */
int cipher_prepare(void)
{
    static const uint8_t zeros[SP_CIPHER_KEY_MAX];
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++) {
        void *state = NULL;
        int result = cipher->open(true, sp_span_of(zeros, cipher->key_size),
                                  sp_span_of(zeros, cipher->iv_size), &state);
        if (result != 0)
            return result;
        cipher->close(state);
    }
    return 0;
}
