/*
 * Keys on a token: finding the one that a URI means and its public half, and signing with it. Input: attributes that
 * the token states, which are copied, bounded and proven later by a signature. Output: SSH blobs, raw signatures.
 */
#include <stdlib.h>

#include <sallyport/wire.h>

#include "hostkey/pkcs11.h"
#include "hostkey/pkcs11_error.h"
#include "hostkey/pkcs11_public.h"

#define ATTRIBUTES_MAX 16u
#define ATTRIBUTE_SIZE_MAX 4096u
#define FOUND_MAX 8u
#define DIGEST_INFO_MAX 128u

int pkcs11_objects_find(struct pkcs11 *p, CK_ATTRIBUTE *match, CK_ULONG match_count, CK_OBJECT_HANDLE *found,
                        CK_ULONG room, CK_ULONG *count, struct sp_hostkey_error *error)
{
    CK_RV rv = p->module->C_FindObjectsInit(p->session, match, match_count);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_FindObjectsInit");
    rv = p->module->C_FindObjects(p->session, found, room, count);
    CK_RV end = p->module->C_FindObjectsFinal(p->session);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_FindObjects");
    return end == CKR_OK ? 0 : pkcs11_failed(error, end, "C_FindObjectsFinal");
}

struct sp_span pkcs11_attribute(struct pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                struct sp_out *store)
{
    CK_ATTRIBUTE attribute = {type, NULL, 0};
    CK_RV rv = p->module->C_GetAttributeValue(p->session, object, &attribute, 1);
    if (rv != CKR_OK || attribute.ulValueLen == 0 || attribute.ulValueLen > ATTRIBUTE_SIZE_MAX ||
        attribute.ulValueLen > store->capacity - store->size)
        return (struct sp_span){0};
    CK_ULONG room = attribute.ulValueLen;
    uint8_t *at = store->data + store->size;
    attribute.pValue = at;
    rv = p->module->C_GetAttributeValue(p->session, object, &attribute, 1);
    if (rv != CKR_OK || attribute.ulValueLen > room)
        return (struct sp_span){0};
    store->size += attribute.ulValueLen;
    return sp_span_of(at, attribute.ulValueLen);
}

bool pkcs11_attribute_fixed(struct pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
                            CK_ULONG size)
{
    CK_ATTRIBUTE attribute = {type, value, size};
    return p->module->C_GetAttributeValue(p->session, object, &attribute, 1) == CKR_OK &&
           attribute.ulValueLen == size;
}

static void public_read(struct pkcs11 *p, CK_OBJECT_HANDLE object, struct pkcs11_public *key,
                        struct sp_out *store)
{
    if (key->type == CKK_RSA) {
        key->modulus = pkcs11_attribute(p, object, CKA_MODULUS, store);
        key->exponent = pkcs11_attribute(p, object, CKA_PUBLIC_EXPONENT, store);
    } else {
        key->ec_params = pkcs11_attribute(p, object, CKA_EC_PARAMS, store);
        key->ec_point = pkcs11_attribute(p, object, CKA_EC_POINT, store);
    }
}

/* The public object with the private key's CKA_ID and type. CK_INVALID_HANDLE if there is not exactly one. */
static CK_OBJECT_HANDLE public_find(struct pkcs11 *p, CK_OBJECT_HANDLE private_key, CK_KEY_TYPE type,
                                    struct sp_out *store)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG count = 0;
    struct sp_hostkey_error ignored;
    struct sp_span id = pkcs11_attribute(p, private_key, CKA_ID, store);
    if (id.size == 0)
        return CK_INVALID_HANDLE;
    CK_ATTRIBUTE match[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_ID, (void *)(uintptr_t)id.data, id.size},
    };
    if (pkcs11_objects_find(p, match, sizeof match / sizeof match[0], found, FOUND_MAX, &count, &ignored) !=
            0 ||
        count != 1)
        return CK_INVALID_HANDLE;
    return found[0];
}

/*
 * The blob from the public object, or else from the private key's own public attributes: tokens differ in which they
 * have. That two objects share an id proves nothing, so the signer has every key sign before it believes the pair.
 */
int pkcs11_blob_make(struct pkcs11 *p, struct pkcs11_key *key, const char *uri,
                     struct sp_hostkey_error *error)
{
    uint8_t bytes[3 * ATTRIBUTE_SIZE_MAX];
    struct sp_out store = {.data = bytes, .capacity = sizeof bytes};
    CK_OBJECT_HANDLE sources[] = {public_find(p, key->handle, key->type, &store), key->handle};
    int r = SP_E_MALFORMED;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0] && r != 0; i++) {
        if (sources[i] == CK_INVALID_HANDLE)
            continue;
        struct pkcs11_public public = {.type = key->type};
        struct sp_out blob = {.data = key->blob, .capacity = sizeof key->blob};
        store.size = 0;
        public_read(p, sources[i], &public, &store);
        r = pkcs11_public_blob(&public, &blob);
        key->blob_size = blob.size;
    }
    if (r == SP_E_REFUSED)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                              "%s: neither RSA, ECDSA on a NIST curve (P-256, P-384, P-521) nor Ed25519",
                              uri);
    if (r)
        return pkcs11_refused(error, SP_HOSTKEY_E_MISSING,
                              "%s: the token has no public key for it (no public object with the same id)",
                              uri);
    return 0;
}

/* What a URI says about the object, with the class that we want whatever it says. */
static int private_key_find(struct pkcs11 *p, const char *text, CK_OBJECT_HANDLE *handle,
                            struct sp_hostkey_error *error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE match[ATTRIBUTES_MAX] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG given = 0, used = 1, count = 0;
    CLEANUP_URI P11KitUri *uri = NULL;
    int r = pkcs11_uri_parse(text, &uri, error);
    if (r)
        return r;
    CK_ATTRIBUTE *wanted = p11_kit_uri_get_attributes(uri, &given);
    for (CK_ULONG i = 0; i < given && used < ATTRIBUTES_MAX; i++)
        if (wanted[i].type != CKA_CLASS)
            match[used++] = wanted[i];
    r = pkcs11_objects_find(p, match, used, found, FOUND_MAX, &count, error);
    if (r)
        return r;
    if (count == 0)
        return pkcs11_refused(error, SP_HOSTKEY_E_MISSING, "%s: token \"%s\" has no such private key", text,
                              p->token);
    if (count > 1)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                              "%s: several private keys of token \"%s\" fit: name one by its id", text,
                              p->token);
    *handle = found[0];
    return 0;
}

static void label_read(struct pkcs11 *p, struct pkcs11_key *key)
{
    struct sp_out store = {.data = (uint8_t *)key->label, .capacity = sizeof key->label - 1};
    struct sp_span label = pkcs11_attribute(p, key->handle, CKA_LABEL, &store);
    key->label[label.size] = 0;
}

int pkcs11_key_find(struct pkcs11 *p, const char *uri, struct pkcs11_key *key, struct sp_hostkey_error *error)
{
    int r = private_key_find(p, uri, &key->handle, error);
    return r ? r : pkcs11_key_read(p, uri, key, error);
}

int pkcs11_key_read(struct pkcs11 *p, const char *uri, struct pkcs11_key *key, struct sp_hostkey_error *error)
{
    CK_BBOOL always = CK_FALSE;
    if (!pkcs11_attribute_fixed(p, key->handle, CKA_KEY_TYPE, &key->type, sizeof key->type))
        return pkcs11_refused(error, SP_HOSTKEY_E_LOST, "%s: the token does not say of what type it is", uri);
    if (pkcs11_attribute_fixed(p, key->handle, CKA_ALWAYS_AUTHENTICATE, &always, sizeof always))
        key->always_authenticate = always != CK_FALSE;
    label_read(p, key);
    return pkcs11_blob_make(p, key, uri, error);
}

struct mechanism_row {
    enum sp_hostkey_mechanism mechanism;
    CK_MECHANISM_TYPE type;
    CK_KEY_TYPE key_type;
    size_t data_size;      /* 0: any */
    struct sp_span prefix; /* DER of the DigestInfo before the digest: RFC 8017 section 9.2, note 1 */
};

#define PREFIX(text_)                                                                                        \
    {                                                                                                        \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                          \
    }

/* The mechanisms that work on every token we know of: we hash, and the token signs what comes of it. */
static const struct mechanism_row mechanisms[] = {
    {SP_HOSTKEY_EDDSA, CKM_EDDSA, CKK_EC_EDWARDS, 0, {0}},
    {SP_HOSTKEY_ECDSA, CKM_ECDSA, CKK_EC, 0, {0}},
    {SP_HOSTKEY_RSA_SHA256, CKM_RSA_PKCS, CKK_RSA, 32,
     PREFIX("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20")},
    {SP_HOSTKEY_RSA_SHA512, CKM_RSA_PKCS, CKK_RSA, 64,
     PREFIX("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40")},
};

static const struct mechanism_row *mechanism_find(enum sp_hostkey_mechanism mechanism)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (mechanisms[i].mechanism == mechanism)
            return &mechanisms[i];
    return NULL;
}

/* CKA_ALWAYS_AUTHENTICATE: the PIN once more, between C_SignInit and C_Sign (PKCS#11 v3.0 section 4.9). */
static int authenticate_again(struct pkcs11 *p, struct sp_hostkey_error *error)
{
    CK_RV rv = p->module->C_Login(p->session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)(uintptr_t)p->pin.data,
                                  p->pin.size);
    return rv == CKR_OK ? 0 : pkcs11_login_failed(error, rv, "C_Login for one signature");
}

static int sign_prepared(struct pkcs11 *p, const struct pkcs11_key *key, CK_MECHANISM_TYPE type,
                         struct sp_span input, struct sp_out *raw, struct sp_hostkey_error *error)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ULONG size = raw->capacity - raw->size;
    CK_RV rv = p->module->C_SignInit(p->session, &mechanism, key->handle);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_SignInit");
    int r = key->always_authenticate ? authenticate_again(p, error) : 0;
    if (r)
        return r;
    rv = p->module->C_Sign(p->session, (CK_BYTE *)(uintptr_t)input.data, input.size, raw->data + raw->size,
                           &size);
    if (rv == CKR_BUFFER_TOO_SMALL) /* the operation stays active then: the session is of no more use */
        return pkcs11_refused(error, SP_HOSTKEY_E_LOST,
                              "C_Sign: the signature is larger than any known key's");
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_Sign");
    raw->size += size;
    return 0;
}

int pkcs11_key_sign(struct pkcs11 *p, const struct pkcs11_key *key, enum sp_hostkey_mechanism mechanism,
                    struct sp_span data, struct sp_out *raw, struct sp_hostkey_error *error)
{
    uint8_t bytes[DIGEST_INFO_MAX];
    struct sp_out digest_info = {.data = bytes, .capacity = sizeof bytes};
    const struct mechanism_row *row = mechanism_find(mechanism);
    if (!row || row->key_type != key->type || (row->data_size != 0 && row->data_size != data.size))
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "key \"%s\" cannot do what is asked of it",
                              key->label);
    if (row->prefix.size == 0)
        return sign_prepared(p, key, row->type, data, raw, error);
    sp_put_raw(&digest_info, row->prefix);
    sp_put_raw(&digest_info, data);
    return sign_prepared(p, key, row->type, sp_written(&digest_info), raw, error);
}
