/*
 * Options in front of a key in authorized_keys: sshd(8). All of them are understood, or the key is refused: an option
 * that were skipped would be a restriction that is not enforced.
 */
#pragma once

#include <sallyport/types.h>

#define KEY_OPTIONS_ENVIRONMENT_MAX 32u
#define KEY_OPTIONS_TEXT_MAX 8192u

enum key_permission {
    KEY_PTY = 0,
    KEY_PORT_FORWARDING,
    KEY_AGENT_FORWARDING,
    KEY_X11_FORWARDING,
    KEY_USER_RC,
    KEY_PERMISSIONS,
};

struct key_options {
    bool denied[KEY_PERMISSIONS];
    bool cert_authority;   /* the key signs certificates and does nothing else */
    bool no_touch, verify; /* of an authenticator's signatures: need no touch; need a PIN or the like */
    bool has_command, has_from, has_principals;
    struct sp_span command, from, principals; /* unescaped; borrow from `text` */
    struct sp_span environment[KEY_OPTIONS_ENVIRONMENT_MAX];
    size_t environment_count;
    int64_t expiry; /* seconds since the epoch; 0: none. Of several the earliest */
    size_t text_used;
    char text[KEY_OPTIONS_TEXT_MAX];
};

enum {
    KEY_OPTIONS_E_REFUSED = 1, /* `why` says which option and what is wrong with it */
};

int key_options_parse(struct sp_span options, struct key_options *parsed, char *why,
                      size_t why_size) SP_MUST_USE;
/*
 * Adds what another source says about the same login, such as the certificate whose authority's line `options` are: what
 * either denies or asks for holds, what both have to grant is granted by both. `from` is not merged: each is judged
 * where it stands. KEY_OPTIONS_E_REFUSED with why: they force different commands, or have no room.
 */
int key_options_merge(struct key_options *options, const struct key_options *with, char *why,
                      size_t why_size) SP_MUST_USE;
/* As helper_verdict carries them: list of (string name, string value). 0 or SP_E_NO_ROOM. */
int key_options_pack(const struct key_options *options, struct sp_out *out) SP_MUST_USE;
