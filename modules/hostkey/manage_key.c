/* Keys in a token, for who looks after them: what each is, signing with it, destroying it. */
#include "hostkey/manage.h"

#include <stdio.h>
#include <stdlib.h>

#include "hostkey/pkcs11_error.h"

#define OBJECTS_MAX 8u

static enum sp_key_says says(struct pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    if (!pkcs11_attribute_fixed(p, object, type, &value, sizeof value))
        return SP_KEY_UNKNOWN;
    return value ? SP_KEY_YES : SP_KEY_NO;
}

static void attributes_read(struct pkcs11 *p, struct sp_manage_key *key)
{
    const struct {
        CK_ATTRIBUTE_TYPE type;
        enum sp_key_says *out;
    } rows[] = {
        {CKA_SENSITIVE, &key->sensitive},
        {CKA_ALWAYS_SENSITIVE, &key->always_sensitive},
        {CKA_EXTRACTABLE, &key->extractable},
        {CKA_NEVER_EXTRACTABLE, &key->never_extractable},
        {CKA_LOCAL, &key->local},
        {CKA_PRIVATE, &key->is_private},
        {CKA_SIGN, &key->sign},
        {CKA_DECRYPT, &key->decrypt},
        {CKA_UNWRAP, &key->unwrap},
        {CKA_DERIVE, &key->derive},
        {CKA_ALWAYS_AUTHENTICATE, &key->always_authenticate},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i].out = says(p, key->handle, rows[i].type);
}

static void id_read(struct pkcs11 *p, struct sp_manage_key *key)
{
    struct sp_out store = {.data = key->id, .capacity = sizeof key->id};
    key->id_size = pkcs11_attribute(p, key->handle, CKA_ID, &store).size;
}

/* A key that we cannot use is listed nevertheless, with the reason. */
int manage_key_read(struct pkcs11 *p, struct sp_manage_key *key, struct sp_hostkey_error *error)
{
    struct pkcs11_key *read = calloc(1, sizeof *read);
    struct sp_hostkey_error why = {{0}};
    if (!read)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "out of memory");
    read->handle = key->handle;
    int r = pkcs11_key_read(p, "this key", read, &why);
    memcpy(key->label, read->label, sizeof key->label);
    if (r == 0) {
        memcpy(key->blob, read->blob, read->blob_size);
        key->blob_size = read->blob_size;
    } else {
        snprintf(key->why, sizeof key->why, "%.*s", (int)sizeof key->why - 1, why.text);
    }
    free(read);
    attributes_read(p, key);
    id_read(p, key);
    return 0;
}

_Static_assert(sizeof((struct sp_manage_key *)0)->label == sizeof((struct pkcs11_key *)0)->label, "labels");

int manage_keys(struct sp_manage *manage, struct sp_manage_key *keys, size_t *count,
                struct sp_hostkey_error *error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE handles[SP_HOSTKEY_KEYS_MAX + 1];
    CK_ULONG found = 0;
    int r = pkcs11_objects_find(&manage->p, match, 1, handles, SP_HOSTKEY_KEYS_MAX + 1, &found, error);
    if (r)
        return r;
    if (found > SP_HOSTKEY_KEYS_MAX)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "there are more than %u private keys on this token",
                              SP_HOSTKEY_KEYS_MAX);
    for (CK_ULONG i = 0; r == 0 && i < found; i++) {
        keys[i] = (struct sp_manage_key){.handle = handles[i]};
        r = manage_key_read(&manage->p, &keys[i], error);
    }
    *count = r ? 0 : found;
    return r;
}

/* Whether a URI's token attributes fit the token that we are logged in to. */
static int token_fits(struct pkcs11 *p, const char *text, struct sp_hostkey_error *error)
{
    CK_TOKEN_INFO info;
    CLEANUP_URI P11KitUri *uri = NULL;
    int r = pkcs11_uri_parse(text, &uri, error);
    if (r)
        return r;
    if (p->module->C_GetTokenInfo(p->slot, &info) != CKR_OK || !p11_kit_uri_match_token_info(uri, &info))
        return pkcs11_refused(error, SP_HOSTKEY_E_MISSING, "%s is on another token", text);
    return 0;
}

int manage_find(struct sp_manage *manage, const char *uri, unsigned long *handle,
                struct sp_hostkey_error *error)
{
    *handle = 0;
    int r = token_fits(&manage->p, uri, error);
    if (r)
        return r;
    struct pkcs11_key *key = calloc(1, sizeof *key);
    if (!key)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "out of memory");
    r = pkcs11_key_find(&manage->p, uri, key, error);
    *handle = key->handle;
    free(key);
    return r;
}

int manage_sign(struct sp_manage *manage, const struct sp_manage_key *key,
                enum sp_hostkey_mechanism mechanism, struct sp_span data, struct sp_out *raw,
                struct sp_hostkey_error *error)
{
    struct pkcs11_key *used = calloc(1, sizeof *used);
    if (!used)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "out of memory");
    used->handle = key->handle;
    used->always_authenticate = key->always_authenticate == SP_KEY_YES;
    memcpy(used->label, key->label, sizeof used->label);
    int r = SP_HOSTKEY_E_LOST;
    if (pkcs11_attribute_fixed(&manage->p, key->handle, CKA_KEY_TYPE, &used->type, sizeof used->type))
        r = pkcs11_key_sign(&manage->p, used, mechanism, data, raw, error);
    else
        snprintf(error->text, sizeof error->text, "key \"%s\": the token does not say of what type it is",
                 key->label);
    free(used);
    return r;
}

/* ---- destroying -------------------------------------------------------------------------------------------- */

static int object_destroy(struct pkcs11 *p, CK_OBJECT_HANDLE object, size_t *count,
                          struct sp_hostkey_error *error)
{
    CK_RV rv = p->module->C_DestroyObject(p->session, object);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_DestroyObject");
    (*count)++;
    return 0;
}

static int class_destroy(struct pkcs11 *p, const struct sp_manage_key *key, CK_OBJECT_CLASS class,
                         size_t *count, struct sp_hostkey_error *error)
{
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_ID, (void *)(uintptr_t)key->id, key->id_size}};
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    CK_ULONG n = 0;
    int r = pkcs11_objects_find(p, match, 2, found, OBJECTS_MAX, &n, error);
    for (CK_ULONG i = 0; r == 0 && i < n; i++)
        r = object_destroy(p, found[i], count, error);
    return r;
}

/* Whether another private key has the id too; then what else has it is left alone, as it may be the other's. */
static bool id_is_shared(struct pkcs11 *p, const struct sp_manage_key *key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class},
                            {CKA_ID, (void *)(uintptr_t)key->id, key->id_size}};
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    CK_ULONG n = 0;
    struct sp_hostkey_error ignored;
    return key->id_size == 0 || pkcs11_objects_find(p, match, 2, found, OBJECTS_MAX, &n, &ignored) != 0 ||
           n > 1;
}

int manage_destroy(struct sp_manage *manage, const struct sp_manage_key *key, size_t *count,
                   struct sp_hostkey_error *error)
{
    bool shared = id_is_shared(&manage->p, key);
    *count = 0;
    int r = object_destroy(&manage->p, key->handle, count, error);
    if (r == 0 && !shared)
        r = class_destroy(&manage->p, key, CKO_PUBLIC_KEY, count, error);
    if (r == 0 && !shared)
        r = class_destroy(&manage->p, key, CKO_CERTIFICATE, count, error);
    return r;
}
