/*
 * Providers of host keys: something that holds private keys and signs with them, such as a PKCS#11 token. A provider
 * runs in a process of its own (sallyport-token), which holds nothing else, asks for one thing at a time and is
 * started afresh when the provider says that its token is lost.
 */
#pragma once

#include <sallyport/module.h>

#define SP_HOSTKEY_KEYS_MAX 32u
#define SP_HOSTKEY_BLOB_MAX 4096u
#define SP_HOSTKEY_RAW_MAX 4096u /* octets of a raw signature */

/* What is to be done with the data of a signing request. */
enum sp_hostkey_mechanism {
    SP_HOSTKEY_EDDSA = 1,  /* data: the message; 64 octets come back */
    SP_HOSTKEY_ECDSA,      /* data: the digest; r ‖ s of fixed width comes back */
    SP_HOSTKEY_RSA_SHA256, /* data: the SHA-256 digest; RSASSA-PKCS1-v1_5 */
    SP_HOSTKEY_RSA_SHA512,
};

enum {
    SP_HOSTKEY_E_FAILED = 1, /* this request cannot be done; others may be */
    SP_HOSTKEY_E_LOST = 2,   /* the token is lost: only a new process can have it again */
    SP_HOSTKEY_E_PIN = 3,    /* the token refused this PIN: it must never be sent again */
    SP_HOSTKEY_E_STOP =
        4, /* not usable, and trying again would do harm or is of no use (locked, final try) */
    SP_HOSTKEY_E_MISSING = 5, /* the token or a key is not there, but may come back */
};

/* What went wrong, for people: which call, on what, and what to do. */
struct sp_hostkey_error {
    char text[512];
};

struct sp_hostkey_config {
    const char *module; /* absolute path of what the provider loads */
    const char *const
        *keys; /* one name per key, in the provider's own syntax (PKCS#11: RFC 7512 without query) */
    size_t key_count;
    struct sp_span pin; /* empty: none. Valid as long as the provider is open, in locked memory */
};

/* A key, valid as long as its provider. */
struct sp_hostkey_key {
    struct sp_span label;
    struct sp_span blob; /* SSH public key blob */
};

struct sp_hostkey_ops {
    struct sp_module head;
    /*
     * Loads, logs in once and finds every key. 0, a negative errno or SP_HOSTKEY_E_* with error->text. *pin_needed:
     * whether signing asks for the PIN again; if not, the caller wipes it.
     */
    int (*open)(const struct sp_hostkey_config *config, void **provider, bool *pin_needed,
                struct sp_hostkey_error *error);
    /* The token's name, for the log. */
    struct sp_span (*name)(void *provider);
    /* index < config.key_count */
    void (*key)(void *provider, size_t index, struct sp_hostkey_key *key);
    /* 0, SP_HOSTKEY_E_FAILED or _LOST, with error->text. `raw` has room for SP_HOSTKEY_RAW_MAX octets. */
    int (*sign)(void *provider, size_t index, enum sp_hostkey_mechanism mechanism, struct sp_span data,
                struct sp_out *raw, struct sp_hostkey_error *error);
    void (*close)(void *provider);
};

/* The built-in provider. */
extern const struct sp_hostkey_ops hostkey_pkcs11;
