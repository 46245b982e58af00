/* The "password" method (RFC 4252 section 8): boolean change, string password [, string new password]. */
#include <sallyport/auth.h>

static int password_request(struct sp_in *in, struct sp_auth_ask *ask)
{
    bool change = sp_get_bool(in);
    struct sp_span password = sp_get_string(in, in->left);
    struct sp_span new_password = change ? sp_get_string(in, in->left) : (struct sp_span){0};
    if (sp_get_end(in))
        return SP_E_MALFORMED;
    if (password.size > SP_AUTH_PASSWORD_MAX || new_password.size > SP_AUTH_PASSWORD_MAX)
        return SP_E_REFUSED;
    *ask = (struct sp_auth_ask){
        .kind = SP_AUTH_PASSWORD,
        .password = {.password = password, .change = change, .new_password = new_password},
    };
    return 0;
}

extern const struct sp_auth_wire_ops auth_wire_password;
const struct sp_auth_wire_ops auth_wire_password = {
    .head = SP_MODULE_HEAD(SP_KIND_AUTH, struct sp_auth_wire_ops, "password"),
    .request = password_request,
};
