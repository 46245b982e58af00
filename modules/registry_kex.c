/*
 * The built-in key exchange methods with their operations, by name.
 */
#include <errno.h>

#include <openssl/rand.h>

#include <sallyport/registry.h>

#define KEX(symbol, name) extern const struct sp_kex_ops kex_##symbol;
#include "registry.def"

static const struct sp_kex_ops *kexes[] = {
#define KEX(symbol, name) &kex_##symbol,
#include "registry.def"
};

static size_t kex_count = sizeof kexes / sizeof kexes[0];

const struct sp_kex_ops *kex_at(size_t index)
{
    return index < kex_count ? kexes[index] : NULL;
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

/* Without those that libcrypto turns out not to have here: it may be bound to a provider that lacks them. */
int kex_prepare(void)
{
    size_t kept = 0;
    int result = random_prepare();
    if (result != 0)
        return result;
    for (size_t i = 0; i < kex_count; i++) {
        result = kexes[i]->prepare ? kexes[i]->prepare(kexes[i]) : 0;
        if (result == -ENOMEM)
            return result;
        if (result == 0)
            kexes[kept++] = kexes[i];
    }
    kex_count = kept;
    return 0;
}
