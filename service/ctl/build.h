/* What there is to negotiate on this machine: this build's algorithms, as far as its libraries have them. */
#pragma once

#include "policy/policy.h"

struct build {
    struct policy_build build;
    bool certificates; /* of host keys: the caller has said that there are */
    char kex[POLICY_LIST_MAX], post_quantum[POLICY_LIST_MAX], host_key[POLICY_LIST_MAX];
};

enum {
    BUILD_E_KIND = 1, /* *bad: a kind of key that there is not */
};

/* tokens: "ed25519,rsa,cert": the kinds of host keys that there are, and whether they have certificates; NULL: one of
 * each. all: whatever
 * this machine's libraries lack. Points into itself: do not copy it. */
int build_make(const char *tokens, bool all, struct build *build, struct sp_span *bad) MUST_USE;
/* The same with these host key algorithms, which some server's keys can sign with. */
void build_set_host_keys(struct build *build, struct sp_span algorithms);
