/*
 * The built-in public key algorithms, by name.
 */
#include <sallyport/registry.h>

#define KEYTYPE(symbol, name) extern const struct sp_keytype_ops keytype_##symbol;
#include "registry.def"

static const struct sp_keytype_ops *const keytypes[] = {
#define KEYTYPE(symbol, name) &keytype_##symbol,
#include "registry.def"
};

const struct sp_keytype_ops *keytype_at(size_t index)
{
    return index < sizeof keytypes / sizeof keytypes[0] ? keytypes[index] : NULL;
}

const struct sp_keytype_ops *keytype_find(struct sp_span name)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        if (sp_span_is(name, keytype->head.name))
            return keytype;
    return NULL;
}

int keytype_prepare(void)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++) {
        int result = keytype->prepare ? keytype->prepare() : 0;
        if (result != 0)
            return result;
    }
    return 0;
}
