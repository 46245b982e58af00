/*
 * The built-in key exchange methods' descriptions, by name. Apart from their operations, which the signer
 * must not link.
 */
#include <sallyport/registry.h>

#define KEX(symbol, name) extern const struct sp_kex_info kex_##symbol##_info;
#include "registry.def"

static const struct sp_kex_info *const kex_infos[] = {
#define KEX(symbol, name) &kex_##symbol##_info,
#include "registry.def"
};

const struct sp_kex_info *kex_info_at(size_t index)
{
    return index < sizeof kex_infos / sizeof kex_infos[0] ? kex_infos[index] : NULL;
}

const struct sp_kex_info *kex_info_find(struct sp_span name)
{
    const struct sp_kex_info *info;
    for (size_t i = 0; (info = kex_info_at(i)); i++)
        if (sp_span_is(name, info->head.name))
            return info;
    return NULL;
}

int kex_info_prepare(void)
{
    const struct sp_kex_info *info;
    for (size_t i = 0; (info = kex_info_at(i)); i++) {
        int result = info->prepare ? info->prepare(info) : 0;
        if (result != 0)
            return result;
    }
    return 0;
}
