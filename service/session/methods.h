/*
 * Which methods may be tried, and when they are enough: AuthenticationMethods of sshd_config(5). Each chain is a list
 * of methods to be passed in order; any chain passed to its end is a login. "any" stands for a chain of one for each
 * method that is switched on. Pure: knows no user and no link.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct config;
struct config_list;

#define METHODS_CHAINS_MAX 32u
#define METHODS_CHAIN_MAX 8u /* methods in a chain */

enum method {
    METHOD_PUBLICKEY = 0,
    METHOD_PASSWORD,
    METHOD_KEYBOARD_INTERACTIVE,
    METHOD_COUNT,
    METHOD_NONE = METHOD_COUNT, /* never passes */
};

struct method_chain {
    enum method steps[METHODS_CHAIN_MAX];
    size_t count;
    size_t done;
};

struct methods {
    struct method_chain chains[METHODS_CHAINS_MAX];
    size_t count;
};

enum {
    METHODS_E_INVALID =
        1, /* an unknown method, too many, or no chain that could ever be passed; error says which */
};

const char *method_name(enum method method);
/* `enabled`: one bit (1 << METHOD_*) for each that is switched on. Chains with others are left out, as in sshd. */
int methods_parse(const struct config_list *list, unsigned enabled, struct methods *methods, char *error,
                  size_t error_size) MUST_USE;
/* Bits of the methods that are the next step of a chain: the "authentications that can continue". */
unsigned methods_next(const struct methods *methods);
/* The same as RFC 4252's name-list. `text` has room for METHODS_TEXT_MAX octets. */
#define METHODS_TEXT_MAX 64u
void methods_list(unsigned next, char text[METHODS_TEXT_MAX]);
/* Whether passing this one now would be the end of a chain. */
bool methods_would_complete(const struct methods *methods, enum method method);
/* It was passed: every chain of which it is the next step moves on. */
void methods_advance(struct methods *methods, enum method method);
