/* The "none" method (RFC 4252 section 5.2), which clients use to learn what they may try. No fields. */
#include <sallyport/auth.h>

static int none_request(struct sp_in *in, struct sp_auth_ask *ask)
{
    if (sp_get_end(in))
        return SP_E_MALFORMED;
    *ask = (struct sp_auth_ask){.kind = SP_AUTH_NONE};
    return 0;
}

extern const struct sp_auth_wire_ops auth_wire_none;
const struct sp_auth_wire_ops auth_wire_none = {
    .head = SP_MODULE_HEAD(SP_KIND_AUTH, struct sp_auth_wire_ops, "none"),
    .request = none_request,
};
