/* OpenSSH key revocation lists (PROTOCOL.krl): whether one names a key, a certificate or its authority. */
#pragma once

#include <sallyport/certificate.h>
#include <sallyport/fingerprint.h>

#define KRL_SHA256_SIZE 32u

/* A plain key as lists name it. */
struct krl_key {
    struct sp_span blob;
    uint8_t sha1[SP_SHA1_SIZE];
    uint8_t sha256[KRL_SHA256_SIZE];
};

struct krl_query {
    struct krl_key key;                       /* the plain key, the one inside a certificate */
    const struct sp_certificate *certificate; /* NULL: none */
    struct krl_key ca;                        /* with a certificate */
};

enum {
    KRL_E_MALFORMED = 1, /* or something critical in it is not understood: nobody can say what it revokes */
    KRL_E_REVOKED = 2,   /* *how says by what: "serial number" */
};

/* 0 or a negative errno. */
int krl_key_of(struct sp_span blob, struct krl_key *key) SP_MUST_USE;
/* Whether bytes begin as such a list does. */
bool krl_is_one(struct sp_span bytes);
/* The whole list is read whatever it finds, so that a malformed one is never in force by half. 0: not revoked. */
int krl_check(struct sp_span list, const struct krl_query *query, const char **how) SP_MUST_USE;
