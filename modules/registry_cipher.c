/*
 * The built-in ciphers, by name.
 */
#include <errno.h>

#include <sallyport/registry.h>

#define CIPHER(symbol, name) extern const struct sp_cipher_ops cipher_##symbol;
#include "registry.def"

static const struct sp_cipher_ops *ciphers[] = {
#define CIPHER(symbol, name) &cipher_##symbol,
#include "registry.def"
};

static size_t cipher_count = sizeof ciphers / sizeof ciphers[0];

const struct sp_cipher_ops *cipher_at(size_t index)
{
    return index < cipher_count ? ciphers[index] : NULL;
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
static int prepare_one(const struct sp_cipher_ops *cipher)
{
    static const uint8_t zeros[SP_CIPHER_KEY_MAX];
    void *state = NULL;
    int result =
        cipher->open(true, sp_span_of(zeros, cipher->key_size), sp_span_of(zeros, cipher->iv_size), &state);
    if (result == 0)
        cipher->close(state);
    return result;
}

/* Without those that libcrypto turns out not to have here: it may be bound to a provider that lacks them. */
int cipher_prepare(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < cipher_count; i++) {
        int result = prepare_one(ciphers[i]);
        if (result == -ENOMEM)
            return result;
        if (result == 0)
            ciphers[kept++] = ciphers[i];
    }
    cipher_count = kept;
    return 0;
}
