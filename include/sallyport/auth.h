/*
 * Authentication methods, wire half: what a method's own fields of USERAUTH_REQUEST (RFC 4252 section 5) mean. A method
 * turns them into one of the questions that a login process answers; it decides nothing and keeps nothing.
 */
#pragma once

#include <sallyport/module.h>
#include <sallyport/wire.h>

/* Longest values that are passed on. A longer one is refused for everybody, before anything looks at it. */
#define SP_AUTH_PASSWORD_MAX 1024u
#define SP_AUTH_ALGORITHM_MAX 128u
#define SP_AUTH_BLOB_MAX 8192u
#define SP_AUTH_HOST_KEY_MAX 4096u

enum sp_auth_kind {
    SP_AUTH_NONE = 1,
    SP_AUTH_PASSWORD,
    SP_AUTH_KEYBOARD_INTERACTIVE,
    SP_AUTH_PUBLICKEY,
};

/* All spans point into the request. */
struct sp_auth_ask {
    enum sp_auth_kind kind;
    union {
        struct {
            struct sp_span password;
            bool change; /* new_password is given: RFC 4252 section 8 */
            struct sp_span new_password;
        } password;
        struct {
            struct sp_span algorithm;
            struct sp_span blob;
            bool hostbound; /* host_key is given, and signed too */
            struct sp_span host_key;
            bool signed_request; /* false: the client asks whether the key would do */
            struct sp_span signature;
        } publickey;
    };
};

struct sp_auth_wire_ops {
    struct sp_module head;

    /*
     * Reads what follows the method's name, to the last octet. 0: *ask is filled in. SP_E_MALFORMED: not the form that
     * the RFC gives. SP_E_REFUSED: well formed, but a value is over its limit; it counts as a failed attempt.
     */
    int (*request)(struct sp_in *in, struct sp_auth_ask *ask);
};
