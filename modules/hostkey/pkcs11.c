/*
 * The host key provider for PKCS#11 tokens. Input: a module's path, RFC 7512 URIs that the signer has read strictly,
 * and the PIN. Output: public keys and raw signatures. Loads exactly that module, through p11-kit, and never all that
 * are configured on the machine: those would run code that nobody asked for in the process that knows the PIN.
 */
#include "hostkey/pkcs11.h"

#include <errno.h>
#include <stdlib.h>

#include "hostkey/pkcs11_error.h"

int pkcs11_uri_parse(const char *text, P11KitUri **uri, struct sp_hostkey_error *error)
{
    CLEANUP_URI P11KitUri *parsed = p11_kit_uri_new();
    int r = parsed ? p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, parsed) : P11_KIT_URI_UNEXPECTED;
    if (r != P11_KIT_URI_OK)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "%s: %s", text, p11_kit_uri_message(r));
    if (p11_kit_uri_any_unrecognized(parsed))
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "%s: p11-kit does not know an attribute", text);
    *uri = parsed;
    parsed = NULL;
    return 0;
}

int pkcs11_module_open(struct pkcs11 *p, const char *path, struct sp_hostkey_error *error)
{
    p->module = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
    if (!p->module) {
        const char *why = p11_kit_message();
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "cannot load the PKCS#11 module %s: %s", path,
                              why ? why : "it is no PKCS#11 module");
    }
    CK_RV rv = p11_kit_module_initialize(p->module);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_Initialize");
    p->initialized = true;
    return 0;
}

void pkcs11_module_close(struct pkcs11 *p)
{
    if (p->session)
        (void)p->module->C_CloseSession(p->session);
    if (p->initialized)
        (void)p11_kit_module_finalize(p->module);
    if (p->module)
        p11_kit_module_release(p->module);
    *p = (struct pkcs11){.initialized = false};
}

static void provider_close(void *provider)
{
    pkcs11_module_close(provider);
    free(provider);
}

static int provider_fill(struct pkcs11 *p, const struct sp_hostkey_config *config, bool *pin_needed,
                         struct sp_hostkey_error *error)
{
    int r = pkcs11_module_open(p, config->module, error);
    if (r == 0)
        r = pkcs11_token_open(p, config->keys[0], error);
    bool needed = false;
    for (; r == 0 && p->key_count < config->key_count; p->key_count++) {
        struct pkcs11_key *key = &p->keys[p->key_count];
        r = pkcs11_key_find(p, config->keys[p->key_count], key, error);
        needed = needed || key->always_authenticate;
    }
    if (r == 0)
        *pin_needed = needed;
    return r;
}

static int provider_open(const struct sp_hostkey_config *config, void **provider, bool *pin_needed,
                         struct sp_hostkey_error *error)
{
    if (config->key_count == 0 || config->key_count > SP_HOSTKEY_KEYS_MAX)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "between 1 and %u keys are possible on one token",
                              SP_HOSTKEY_KEYS_MAX);
    struct pkcs11 *p = calloc(1, sizeof *p);
    if (!p)
        return pkcs11_refused(error, -ENOMEM, "out of memory");
    p->pin = config->pin;
    int r = provider_fill(p, config, pin_needed, error);
    if (r) {
        provider_close(p);
        return r;
    }
    *provider = p;
    return 0;
}

static struct sp_span provider_name(void *provider)
{
    const struct pkcs11 *p = provider;
    return sp_text(p->token);
}

static void provider_key(void *provider, size_t index, struct sp_hostkey_key *key)
{
    const struct pkcs11 *p = provider;
    const struct pkcs11_key *found = &p->keys[index];
    *key = (struct sp_hostkey_key){.label = sp_text(found->label),
                                   .blob = sp_span_of(found->blob, found->blob_size)};
}

static int provider_sign(void *provider, size_t index, enum sp_hostkey_mechanism mechanism,
                         struct sp_span data, struct sp_out *raw, struct sp_hostkey_error *error)
{
    struct pkcs11 *p = provider;
    if (index >= p->key_count)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "there is no key %zu", index);
    return pkcs11_key_sign(p, &p->keys[index], mechanism, data, raw, error);
}

const struct sp_hostkey_ops hostkey_pkcs11 = {
    .head = SP_MODULE_HEAD(SP_KIND_HOSTKEY, struct sp_hostkey_ops, "pkcs11"),
    .open = provider_open,
    .name = provider_name,
    .key = provider_key,
    .sign = provider_sign,
    .close = provider_close,
};
