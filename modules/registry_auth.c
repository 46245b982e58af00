/*
 * The built-in authentication methods' wire halves, by name.
 */
#include <sallyport/registry.h>

#define AUTH(symbol, name) extern const struct sp_auth_wire_ops auth_wire_##symbol;
#include "registry.def"

static const struct sp_auth_wire_ops *const methods[] = {
#define AUTH(symbol, name) &auth_wire_##symbol,
#include "registry.def"
};

const struct sp_auth_wire_ops *auth_wire_at(size_t index)
{
    return index < sizeof methods / sizeof methods[0] ? methods[index] : NULL;
}

const struct sp_auth_wire_ops *auth_wire_find(struct sp_span name)
{
    const struct sp_auth_wire_ops *method;
    for (size_t i = 0; (method = auth_wire_at(i)); i++)
        if (sp_span_is(name, method->head.name))
            return method;
    return NULL;
}
