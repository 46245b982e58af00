/*
 * What keys and methods this login may use: the site's rules, as far as they concern users, in one place. Filled in once;
 * nobody else in this program looks at where they come from.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct config;
struct config_source;
struct policy;

#define LOGIN_RULES_USER_KEYS "PubkeyAcceptedAlgorithms"
#define LOGIN_RULES_METHODS "AllowedAuthenticationMethods"
#define LOGIN_RULES_LIST_MAX 2048u
#define LOGIN_RULES_RSA_SIZES_MAX 8u

/* Whom they are for, as far as the configuration, which was evaluated for that user, does not say it. */
struct login_rules_for {
    const char *address; /* the client's, for exceptions */
    int64_t now;         /* seconds since the epoch */
};

/* Zero and "" of the numbers and methods: no such rule. */
struct login_rules {
    bool known; /* false: nobody knows the rules, so nothing is accepted */
    char user_key_algorithms[LOGIN_RULES_LIST_MAX]; /* PubkeyAcceptedAlgorithms */
    char user_key_exceptions[LOGIN_RULES_LIST_MAX]; /* those of them that an exception lets in */
    char ca_key_algorithms[LOGIN_RULES_LIST_MAX];   /* CASignatureAlgorithms */
    uint32_t rsa_bits_min;                          /* RequiredRSASize */
    uint32_t rsa_bits[LOGIN_RULES_RSA_SIZES_MAX];   /* AllowedRSASizes: no others than these */
    size_t rsa_bits_count;
    uint32_t ec_bits_min;                 /* RequiredECSize */
    char auth_methods[128];               /* AllowedAuthenticationMethods, with commas */
    bool touch_required, verify_required; /* PubkeyAuthOptions */
    struct policy *policy;                /* owned: what all this comes from, and why. NULL: not known */
    char address[65];                     /* whom they are for */
    int64_t now;
};

enum {
    LOGIN_RULES_E_INVALID = 1, /* error says why; *rules then accepts nothing */
};

/* The policy that holds for this user's configuration, after Match. 0 or LOGIN_RULES_E_INVALID. Empty *rules before: what
 * they have is not freed. */
int login_rules_fill(const struct config_source *source, const struct config *config,
                     const struct login_rules_for *who, struct login_rules *rules, char *error,
                     size_t error_size) MUST_USE;
/* The policy of "PolicyMode report NAME": nobody is refused by it. Where there is none, rules that are not known. */
int login_rules_fill_reported(const struct config_source *source, const struct config *config,
                              const struct login_rules_for *who, struct login_rules *rules, char *error,
                              size_t error_size) MUST_USE;
void login_rules_free(struct login_rules *rules);
/* "CNSA1"; "" if the rules are not known. */
const char *login_rules_policy(const struct login_rules *rules);

#define LOGIN_RULES_ORIGIN_MAX 640u
/*
 * What a refusal by a rule goes on with, for the log: " (FILE line N)", or, where a list lacks an algorithm,
 * ": ssh-ed25519 is out: removed by ... in FILE line N". "" for what is no keyword of a policy. Returns text.
 */
const char *login_rules_origin(const struct login_rules *rules, struct sp_span keyword,
                               struct sp_span algorithm, char text[LOGIN_RULES_ORIGIN_MAX]);

/* Whether AllowedAuthenticationMethods lets a method be. */
bool login_rules_allow_method(const struct login_rules *rules, const char *method);
