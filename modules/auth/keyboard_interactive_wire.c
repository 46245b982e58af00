/*
 * The "keyboard-interactive" method (RFC 4256 section 3.1): string language tag (deprecated), string submethods. Both are
 * read for their form and ignored: a list of submethods that bought more attempts is CVE-2015-5600.
 */
#include <sallyport/auth.h>

static int keyboard_interactive_request(struct sp_in *in, struct sp_auth_ask *ask)
{
    sp_get_string(in, in->left); /* language tag */
    sp_get_string(in, in->left); /* submethods */
    if (sp_get_end(in))
        return SP_E_MALFORMED;
    *ask = (struct sp_auth_ask){.kind = SP_AUTH_KEYBOARD_INTERACTIVE};
    return 0;
}

extern const struct sp_auth_wire_ops auth_wire_keyboard_interactive;
const struct sp_auth_wire_ops auth_wire_keyboard_interactive = {
    .head = SP_MODULE_HEAD(SP_KIND_AUTH, struct sp_auth_wire_ops, "keyboard-interactive"),
    .request = keyboard_interactive_request,
};
