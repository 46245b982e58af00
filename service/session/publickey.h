/*
 * The publickey method (RFC 4252 section 7, and publickey-hostbound-v00@openssh.com of OpenSSH's PROTOCOL): this
 * process builds what a signature has to cover, and the as-user helper looks the key up and verifies. No key,
 * signature or file of a user is parsed here.
 */
#pragma once

#include <sallyport/types.h>
#include <sys/types.h>

#include "base/util.h"
#include "ipc/link.h"

#include "session/methods.h"

struct login;

struct publickey {
    struct link helper;                /* closed until the first request */
    pid_t pid;                         /* of the helper; 0: none */
    bool failed;                       /* the helper cannot be had: every request fails */
    char used[METHODS_CHAIN_MAX][128]; /* fingerprints of keys that were passed: each counts once */
    size_t used_count;
};

enum {
    PUBLICKEY_E_BAD = 1, /* not this key; `detail` says why, for the log */
};

struct publickey_result {
    char fingerprint[128]; /* of the plain key */
    char detail[1024];
    bool unlisted;          /* refused because nobody lists it: no news */
    struct sp_span options; /* borrows from login->side, as do the following */
    /* What the reported rules have against a key that was accepted with its signature: the keyword, "": nothing, the name
     * that its list lacks, and words. */
    struct sp_span reported_rule, reported_algorithm, reported_detail;
};

/* The request in login->inbox. 0: listed and, if it was signed, correctly; PUBLICKEY_E_BAD, LOGIN_E_*, -errno. */
int publickey_check(struct login *login, struct publickey_result *result) MUST_USE;
/* Remembers a key that was passed. */
void publickey_used(struct login *login, const char *fingerprint);
/* Ends the helper. */
void publickey_free(struct login *login);
