/*
 * Looking after a PKCS#11 token: what is in it, making keys in it, putting keys into it and destroying them. Linked into
 * the administrator's tool alone; the server's token process can sign, and no more.
 *
 * Every function that can fail gives 0 or SP_HOSTKEY_E_*, with error->text for people.
 */
#pragma once

#include <sallyport/hostkey.h>
#include <sallyport/private_key.h>

#define SP_MANAGE_SLOTS_MAX 64u
#define SP_MANAGE_MECHANISMS_MAX 24u
#define SP_MANAGE_ID_MAX 64u
#define SP_MANAGE_LABEL_MAX 127u  /* octets of a key's label */
#define SP_MANAGE_TOKEN_LABEL 32u /* octets of a token's label: PKCS#11's own limit */

struct sp_manage;

/* Loads one module, by absolute path, and initialises it. manage_close() what comes of it. */
SP_MUST_USE int manage_open(const char *module, struct sp_manage **manage, struct sp_hostkey_error *error);
void manage_close(struct sp_manage *manage);

enum sp_token_flag {
    SP_TOKEN_INITIALISED = 1 << 0,
    SP_TOKEN_LOGIN_REQUIRED = 1 << 1,
    SP_TOKEN_PIN_SET = 1 << 2,
    SP_TOKEN_PIN_LOW = 1 << 3,
    SP_TOKEN_PIN_FINAL = 1 << 4,
    SP_TOKEN_PIN_LOCKED = 1 << 5,
    SP_TOKEN_PIN_CHANGE = 1 << 6,
    SP_TOKEN_PIN_PAD = 1 << 7,
    SP_TOKEN_READ_ONLY = 1 << 8,
    SP_TOKEN_SO_PIN_LOW = 1 << 9,
    SP_TOKEN_SO_PIN_FINAL = 1 << 10,
    SP_TOKEN_SO_PIN_LOCKED = 1 << 11,
};

struct sp_token_mechanism {
    const char *name; /* static: "CKM_ECDSA" */
    unsigned long min, max;
    bool signs, generates;
};

struct sp_token_slot {
    unsigned long id;
    char description[65];
    char label[33], serial[17], model[17], manufacturer[33];
    unsigned flags; /* enum sp_token_flag */
    size_t mechanism_count;
    struct sp_token_mechanism mechanisms[SP_MANAGE_MECHANISMS_MAX]; /* those that host keys need */
};

/* Every slot with a token in it, `slots` with room for SP_MANAGE_SLOTS_MAX. */
SP_MUST_USE int manage_slots(struct sp_manage *manage, struct sp_token_slot *slots, size_t *count,
                             struct sp_hostkey_error *error);

/*
 * Initialises the token in a slot, which destroys everything in it, and gives it a user's PIN. The label is at most
 * SP_MANAGE_TOKEN_LABEL octets.
 */
SP_MUST_USE int manage_initialise(struct sp_manage *manage, unsigned long slot, const char *label,
                                  struct sp_span so_pin, struct sp_span pin, struct sp_hostkey_error *error);

/*
 * Finds the one token that a URI means (only its token attributes count) and logs in: the PIN is sent once, and not where
 * one more mistake would lock it. It has to be valid until manage_close().
 */
SP_MUST_USE int manage_login(struct sp_manage *manage, const char *uri, struct sp_span pin, bool read_write,
                             struct sp_hostkey_error *error);
/* The token that we are logged in to. */
SP_MUST_USE int manage_token(struct sp_manage *manage, struct sp_token_slot *slot,
                             struct sp_hostkey_error *error);

enum sp_key_says {
    SP_KEY_UNKNOWN = 0, /* the token does not say */
    SP_KEY_NO,
    SP_KEY_YES,
};

struct sp_manage_key {
    unsigned long handle;
    char label[SP_MANAGE_LABEL_MAX + 1];
    uint8_t id[SP_MANAGE_ID_MAX];
    size_t id_size;
    uint8_t blob[SP_HOSTKEY_BLOB_MAX]; /* empty: none of ours, or its public half is missing */
    size_t blob_size;
    char why[256]; /* then: why */
    enum sp_key_says sensitive, always_sensitive, extractable, never_extractable, local, is_private, sign,
        decrypt, unwrap, derive, always_authenticate;
};

/* The private keys, `keys` with room for SP_HOSTKEY_KEYS_MAX. */
SP_MUST_USE int manage_keys(struct sp_manage *manage, struct sp_manage_key *keys, size_t *count,
                            struct sp_hostkey_error *error);
/*
 * The key that a HostKey URI means; SP_HOSTKEY_E_MISSING also if it is on another token. *handle: as in struct
 * sp_manage_key, also of a key whose public half is missing; 0: there is not exactly one.
 */
SP_MUST_USE int manage_find(struct sp_manage *manage, const char *uri, unsigned long *handle,
                            struct sp_hostkey_error *error);

enum sp_key_make {
    SP_MAKE_ED25519 = 1,
    SP_MAKE_P256,
    SP_MAKE_P384,
    SP_MAKE_P521,
    SP_MAKE_RSA,
};

/*
 * Makes a key pair in the token: for signing alone, sensitive, not extractable. What the token says about it afterwards
 * is checked: one that can be taken out again is destroyed, and that is an error.
 */
SP_MUST_USE int manage_generate(struct sp_manage *manage, enum sp_key_make type, unsigned bits,
                                const char *label, struct sp_manage_key *key, struct sp_hostkey_error *error);
/* Puts a private key and its public half into the token, with the same attributes and the same check. */
SP_MUST_USE int manage_import(struct sp_manage *manage, const struct sp_private_key *private_key,
                              const char *label, struct sp_manage_key *key, struct sp_hostkey_error *error);
/* Destroys the private key, and the public key and certificate objects that have its id. *count: of objects. */
SP_MUST_USE int manage_destroy(struct sp_manage *manage, const struct sp_manage_key *key, size_t *count,
                               struct sp_hostkey_error *error);
/* As sp_hostkey_ops.sign. */
SP_MUST_USE int manage_sign(struct sp_manage *manage, const struct sp_manage_key *key,
                            enum sp_hostkey_mechanism mechanism, struct sp_span data, struct sp_out *raw,
                            struct sp_hostkey_error *error);
