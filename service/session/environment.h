/*
 * The environment of a user's program, built from nothing: what this process was started with never reaches a user.
 * Later values replace earlier ones, in this order: what the client sent and AcceptEnv lets in; the account; keys'
 * environment=; PAM's; SetEnv; the connection's own.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct login;

#define ENVIRONMENT_MAX 512u /* variables of a program */

struct environment {
    char *items[ENVIRONMENT_MAX + 1]; /* owned, "NAME=value", NULL at the end */
    size_t count;
};

/* [A-Za-z_][A-Za-z0-9_]* */
bool environment_name_ok(struct sp_span name);
/* Whether somebody else than the account and this server may set it: not what makes the loader or a shell run code
 * before a forced command, not what this server states. */
bool environment_name_is_free(struct sp_span name);

/* Sets or replaces. 0, -E2BIG, -ENOMEM, -EINVAL (no name). */
int environment_set(struct environment *environment, struct sp_span name, struct sp_span value) MUST_USE;
/* "NAME=value"; skipped without error if the name is not ok, or not free and `any` is false. */
int environment_set_item(struct environment *environment, const char *item, bool any) MUST_USE;
const char *environment_get(const struct environment *environment, const char *name);
void environment_free(struct environment *environment);

struct environment_of {
    const struct login *login;
    const struct environment *accepted; /* of the client */
    const char *tty;                    /* NULL: none */
    const char *term;                   /* with tty */
    const char *original_command;       /* NULL: none was replaced */
};
int environment_build(const struct environment_of *of, struct environment *environment) MUST_USE;
