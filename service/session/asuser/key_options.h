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
    bool has_command, has_from;
    struct sp_span command, from; /* unescaped; borrow from `text` */
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
/* As helper_verdict carries them: list of (string name, string value). 0 or SP_E_NO_ROOM. */
int key_options_pack(const struct key_options *options, struct sp_out *out) SP_MUST_USE;
