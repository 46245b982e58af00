/*
 * The built-in MACs, by name.
 */
#include <sallyport/registry.h>

#define MAC(symbol, name) extern const struct sp_mac_ops mac_##symbol;
#include "registry.def"

static const struct sp_mac_ops *const macs[] = {
#define MAC(symbol, name) &mac_##symbol,
#include "registry.def"
};

const struct sp_mac_ops *mac_at(size_t index)
{
    return index < sizeof macs / sizeof macs[0] ? macs[index] : NULL;
}

const struct sp_mac_ops *mac_find(struct sp_span name)
{
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++)
        if (sp_span_is(name, mac->head.name))
            return mac;
    return NULL;
}

/* What a MAC does once, it does when it is opened first. */
int mac_prepare(void)
{
    static const uint8_t zeros[SP_MAC_KEY_MAX];
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++) {
        void *state = NULL;
        int result = mac->open(sp_span_of(zeros, mac->key_size), &state);
        if (result != 0)
            return result;
        mac->close(state);
    }
    return 0;
}
