/*
 * The built-in public key algorithms, by name.
 */
#include <errno.h>

#include <sallyport/registry.h>

#define KEYTYPE(symbol, name) extern const struct sp_keytype_ops keytype_##symbol;
#include "registry.def"

static const struct sp_keytype_ops *keytypes[] = {
#define KEYTYPE(symbol, name) &keytype_##symbol,
#include "registry.def"
};

static size_t keytype_count = sizeof keytypes / sizeof keytypes[0];

const struct sp_keytype_ops *keytype_at(size_t index)
{
    return index < keytype_count ? keytypes[index] : NULL;
}

const struct sp_keytype_ops *keytype_find(struct sp_span name)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        if (sp_span_is(name, keytype->head.name))
            return keytype;
    return NULL;
}

/* Without those that libcrypto turns out not to have here: it may be bound to a provider that lacks them. */
int keytype_prepare(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < keytype_count; i++) {
        int result = keytypes[i]->prepare ? keytypes[i]->prepare() : 0;
        if (result == -ENOMEM)
            return result;
        if (result == 0)
            keytypes[kept++] = keytypes[i];
    }
    keytype_count = kept;
    return 0;
}
