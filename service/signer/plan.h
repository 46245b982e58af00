/*
 * Which keys a configuration names, and which token processes are needed to have them: HostKey, TokenModule, TokenPIN,
 * TokenEnvironment and TokenThreads, read and grouped. Pure.
 */
#pragma once

#include "config/config.h"

#define PLAN_KEYS_MAX 32u   /* HostKey and HostKeyStaged lines */
#define PLAN_TOKENS_MAX 32u /* token processes, TokenThreads counted */

/* What a token process is started with. Two of the same spec are the same token. */
struct token_spec {
    bool provider; /* the module is one of ours (LoadModule); else a PKCS#11 one */
    char *module;
    char *pin_source; /* "", "file:/path" or "credential:NAME" */
    char *token;      /* which token of the module: canonical token attributes, or a provider's name */
    unsigned replica; /* 0, or the n-th further process on the same token (TokenThreads) */
    char **uris;      /* without query, one per key */
    size_t uri_count;
    char **environment; /* "NAME=value" */
    size_t environment_count;
};

struct plan_key {
    const char *keyword; /* "HostKey" or "HostKeyStaged" */
    const char *written; /* its line's argument, for people; owned by the configuration */
    bool staged;         /* announced and proved to clients; no exchange is signed with it */
    size_t first_token;  /* its tokens: `replicas` of them from here, at uris[index] in each */
    size_t index;
};

struct plan {
    size_t replicas;
    size_t token_count;
    struct token_spec tokens[PLAN_TOKENS_MAX];
    size_t key_count;
    struct plan_key keys[PLAN_KEYS_MAX];
};

enum {
    PLAN_E_INVALID = 1, /* error says which line's value and what is wrong with it */
};

/* The caller frees the plan, also after an error. 0, PLAN_E_INVALID or -errno. */
int plan_make(const struct config *config, struct plan *plan, char *error, size_t error_size) MUST_USE;
void plan_free(struct plan *plan);

bool token_spec_equal(const struct token_spec *a, const struct token_spec *b);
/* The same token of the same module, whatever is wanted of it. */
bool token_spec_same_token(const struct token_spec *a, const struct token_spec *b);
void token_spec_free(struct token_spec *spec);

/* Whether it is a pin source: "file:/path" or "credential:NAME". */
bool pin_source_is_valid(const char *source);
/*
 * Whether a variable may be given to a token process: NAME=value, and no name by which libc, the dynamic linker or
 * libcrypto would be told to load other code.
 */
bool environment_is_valid(const char *variable);
