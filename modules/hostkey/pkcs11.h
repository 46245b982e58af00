/* The parts of the PKCS#11 provider that its files share. */
#pragma once

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <sallyport/hostkey.h>

struct pkcs11_key {
    CK_OBJECT_HANDLE handle;
    CK_KEY_TYPE type;
    bool always_authenticate;
    char label[128];
    uint8_t blob[SP_HOSTKEY_BLOB_MAX];
    size_t blob_size;
};

struct pkcs11 {
    CK_FUNCTION_LIST *module;
    bool initialized;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session; /* 0: none */
    char token[33];
    struct sp_span pin; /* not owned */
    bool read_write;    /* what kind of session is wanted: keys are made and destroyed in one */
    size_t key_count;
    struct pkcs11_key keys[SP_HOSTKEY_KEYS_MAX];
};

/*
 * Finds the one initialised token that a URI means, opens the one session and logs in, unless the token says that it
 * needs no login. 0 or SP_HOSTKEY_E_*.
 */
SP_MUST_USE int pkcs11_token_open(struct pkcs11 *p, const char *uri, struct sp_hostkey_error *error);
/* Loads that one module and initialises it. 0 or SP_HOSTKEY_E_*; pkcs11_module_close() in any case. */
SP_MUST_USE int pkcs11_module_open(struct pkcs11 *p, const char *path, struct sp_hostkey_error *error);
void pkcs11_module_close(struct pkcs11 *p);
/* Finds the one private key that a URI means and its public half. 0 or SP_HOSTKEY_E_*. */
SP_MUST_USE int pkcs11_key_find(struct pkcs11 *p, const char *uri, struct pkcs11_key *key,
                                struct sp_hostkey_error *error);
/* The rest of that: all about the private key in key->handle. `name` is what errors call it. */
SP_MUST_USE int pkcs11_key_read(struct pkcs11 *p, const char *name, struct pkcs11_key *key,
                                struct sp_hostkey_error *error);
/* The objects that match, at most `room`: *count of them. 0 or SP_HOSTKEY_E_*. */
SP_MUST_USE int pkcs11_objects_find(struct pkcs11 *p, CK_ATTRIBUTE *match, CK_ULONG match_count,
                                    CK_OBJECT_HANDLE *found, CK_ULONG room, CK_ULONG *count,
                                    struct sp_hostkey_error *error);
/* One attribute; the empty span if the object has none or hides it. The bytes go behind `store`'s others. */
struct sp_span pkcs11_attribute(struct pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                struct sp_out *store);
/* One of that size exactly. False: *value may be anything. */
bool pkcs11_attribute_fixed(struct pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
                            CK_ULONG size);
/* key->blob, of the private key in key->handle. 0 or SP_HOSTKEY_E_*. */
SP_MUST_USE int pkcs11_blob_make(struct pkcs11 *p, struct pkcs11_key *key, const char *uri,
                                 struct sp_hostkey_error *error);
/* As sp_hostkey_ops.sign. */
SP_MUST_USE int pkcs11_key_sign(struct pkcs11 *p, const struct pkcs11_key *key,
                                enum sp_hostkey_mechanism mechanism, struct sp_span data, struct sp_out *raw,
                                struct sp_hostkey_error *error);

/* A text field, which PKCS#11 pads with blanks, without them. */
struct sp_span pkcs11_padded_text(const CK_UTF8CHAR *field, size_t size);

/* A parsed URI, to be freed with p11_kit_uri_free(). 0 or SP_HOSTKEY_E_STOP. */
SP_MUST_USE int pkcs11_uri_parse(const char *text, P11KitUri **uri, struct sp_hostkey_error *error);

static inline void cleanup_uri(P11KitUri **uri)
{
    p11_kit_uri_free(*uri);
}
#define CLEANUP_URI __attribute__((cleanup(cleanup_uri)))
