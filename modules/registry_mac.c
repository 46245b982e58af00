/*
 * The MACs, by name: the built-in ones, and behind them those that the program has loaded.
 */
#include <errno.h>

#include <sallyport/registry.h>

#define MAC(symbol, name) extern const struct sp_mac_ops mac_##symbol;
#include "registry.def"

static const struct sp_mac_ops *macs[] = {
#define MAC(symbol, name) &mac_##symbol,
#include "registry.def"
};

static size_t built_in = sizeof macs / sizeof macs[0];

/* As much the process's own as the code that they point to. Filled in as a program starts, and never again. */
static const struct sp_mac_ops *loaded[SP_LOADED_MACS_MAX];
static size_t loaded_count;

const struct sp_mac_ops *mac_at(size_t index)
{
    if (index < built_in)
        return macs[index];
    return index - built_in < loaded_count ? loaded[index - built_in] : NULL;
}

const struct sp_mac_ops *mac_find(struct sp_span name)
{
    const struct sp_mac_ops *mac;
    for (size_t i = 0; (mac = mac_at(i)); i++)
        if (sp_span_is(name, mac->head.name))
            return mac;
    return NULL;
}

int mac_add(const struct sp_mac_ops *mac)
{
    if (mac->key_size < 16 || mac->key_size > SP_MAC_KEY_MAX || mac->tag_size < 8 ||
        mac->tag_size > SP_MAC_TAG_MAX || !mac->open || !mac->close || !mac->compute)
        return SP_E_REFUSED;
    if (mac_find(sp_text(mac->head.name)))
        return -EEXIST;
    if (loaded_count == SP_LOADED_MACS_MAX)
        return -ENOSPC;
    loaded[loaded_count++] = mac;
    return 0;
}

/* What a MAC does once, it does when it is opened first. */
static int prepare_one(const struct sp_mac_ops *mac)
{
    static const uint8_t zeros[SP_MAC_KEY_MAX];
    void *state = NULL;
    int result = mac->open(sp_span_of(zeros, mac->key_size), &state);
    if (result == 0)
        mac->close(state);
    return result;
}

/* Without those built-in ones that libcrypto turns out not to have here: it may be bound to a provider that lacks them. A
 * loaded one was asked for by name, and has to work. */
int mac_prepare(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < loaded_count; i++) {
        int result = prepare_one(loaded[i]);
        if (result != 0)
            return result;
    }
    for (size_t i = 0; i < built_in; i++) {
        int result = prepare_one(macs[i]);
        if (result == -ENOMEM)
            return result;
        if (result == 0)
            macs[kept++] = macs[i];
    }
    built_in = kept;
    return 0;
}
