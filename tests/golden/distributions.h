/*
 * What there is to negotiate where a server may run: what a distribution's libraries leave out of the registry, and what
 * the keys of a token can sign with. Data for snapshots, and compared with the running build on the distribution that it
 * is. Wildcards, with commas between.
 */
#pragma once

#include <stdbool.h>

struct distribution {
    const char *name;          /* VERSION_CODENAME of os-release(5), and perhaps how it is set up */
    const char *lacking_kexes; /* of those in the registry */
    bool fips_provider;
};

enum { BOOKWORM, TRIXIE, TRIXIE_FIPS, DISTRIBUTIONS };

static const struct distribution distributions[DISTRIBUTIONS] = {
    [BOOKWORM] = {"bookworm", "mlkem*,sntrup*", false}, /* OpenSSL 3.0, libgcrypt 1.10 */
    [TRIXIE] = {"trixie", "", false},                   /* OpenSSL 3.5, libgcrypt 1.11 */
    [TRIXIE_FIPS] = {"trixie-fips", "*25519*", true},   /* the same with its approved provider alone */
};

struct token {
    const char *name;
    const char *host_keys;
};

enum { TOKEN_RSA, TOKEN_P256, TOKEN_ALL, TOKENS };

static const struct token tokens[TOKENS] = {
    [TOKEN_RSA] = {"rsa", "rsa-sha2-256,rsa-sha2-512"},
    [TOKEN_P256] = {"p256", "ecdsa-sha2-nistp256"},
    /* and certificates of each */
    [TOKEN_ALL] = {"all", "rsa-sha2-*,ecdsa-sha2-nistp*,ssh-ed25519*"},
};

/* All kinds of keys, no certificates: the server that clients meet. */
static const struct token token_plain = {"plain",
                                         "rsa-sha2-256,rsa-sha2-512,ecdsa-sha2-nistp???,ssh-ed25519"};

#define POST_QUANTUM_KEXES "mlkem*,sntrup*"
