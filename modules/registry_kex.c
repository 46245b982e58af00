/*
 * The built-in key exchange methods with their operations, by name.
 */
#include <errno.h>

#include <openssl/rand.h>

#include <sallyport/registry.h>

#define KEX(symbol, name) extern const struct sp_kex_ops kex_##symbol;
#include "registry.def"

static const struct sp_kex_ops *const kexes[] = {
#define KEX(symbol, name) &kex_##symbol,
#include "registry.def"
};

const struct sp_kex_ops *kex_at(size_t index)
{
    return index < sizeof kexes / sizeof kexes[0] ? kexes[index] : NULL;
}

const struct sp_kex_ops *kex_find(struct sp_span name)
{
    const struct sp_kex_ops *kex;
    for (size_t i = 0; (kex = kex_at(i)); i++)
        if (sp_span_is(name, kex->info->head.name))
            return kex;
    return NULL;
}

/* Sets up libcrypto's generators. A fork notices that its process id is another and seeds its own anew. */
static int random_prepare(void)
{
    uint8_t byte;
    return RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1 ? 0 : -EIO;
}

int kex_prepare(void)
{
    const struct sp_kex_ops *kex;
    int result = random_prepare();
    for (size_t i = 0; result == 0 && (kex = kex_at(i)); i++)
        result = kex->prepare ? kex->prepare(kex) : 0;
    return result;
}
