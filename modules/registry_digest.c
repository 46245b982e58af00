/*
 * The built-in hash functions, by name.
 */
#include <sallyport/registry.h>

#define DIGEST(symbol, name) extern const struct sp_digest_ops digest_##symbol;
#include "registry.def"

static const struct sp_digest_ops *const digests[] = {
#define DIGEST(symbol, name) &digest_##symbol,
#include "registry.def"
};

const struct sp_digest_ops *digest_at(size_t index)
{
    return index < sizeof digests / sizeof digests[0] ? digests[index] : NULL;
}

const struct sp_digest_ops *digest_find(struct sp_span name)
{
    const struct sp_digest_ops *digest;
    for (size_t i = 0; (digest = digest_at(i)); i++)
        if (sp_span_is(name, digest->head.name))
            return digest;
    return NULL;
}

/* What a hash function does once, it does at its first use. */
int digest_prepare(void)
{
    uint8_t out[SP_DIGEST_MAX];
    const struct sp_digest_ops *digest;
    for (size_t i = 0; (digest = digest_at(i)); i++) {
        int result = digest->hash(NULL, 0, out);
        if (result != 0)
            return result;
    }
    return 0;
}
