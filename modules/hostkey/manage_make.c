/*
 * Making keys in a token and putting keys into one. Input: a type and a label, or a private key. Output: a pair of
 * objects whose attributes are those that a host key should have, as far as the token can be made to say so.
 */
#include "hostkey/manage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "hostkey/pkcs11_error.h"

#define ID_SIZE 16u /* random, so that it is nobody else's */
#define POINT_MAX 140u
#define TEMPLATE_MAX 24u

struct template
{
    CK_ATTRIBUTE rows[TEMPLATE_MAX];
    CK_ULONG count;
};

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void put(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG size)
{
    t->rows[t->count++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, size};
}

static void put_span(struct template *t, CK_ATTRIBUTE_TYPE type, struct sp_span value)
{
    put(t, type, value.data, value.size);
}

static void put_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    put(t, type, value ? &yes : &no, sizeof yes);
}

/* ---- curves and sizes -------------------------------------------------------------------------------------- */

#define BYTES_OF(text_)                                                                                      \
    {                                                                                                        \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                          \
    }

/* CKA_EC_PARAMS. Ed25519 has two spellings among tokens, which are tried in this order. */
static const struct sp_span params[][2] = {
    [SP_MAKE_ED25519] = {BYTES_OF("\x13\x0c"
                                  "edwards25519"),
                         BYTES_OF("\x06\x03\x2b\x65\x70")},
    [SP_MAKE_P256] = {BYTES_OF("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")},
    [SP_MAKE_P384] = {BYTES_OF("\x06\x05\x2b\x81\x04\x00\x22")},
    [SP_MAKE_P521] = {BYTES_OF("\x06\x05\x2b\x81\x04\x00\x23")},
    [SP_MAKE_RSA] = {{0}},
};

static const uint8_t exponent[] = {0x01, 0x00, 0x01};

/* ---- templates --------------------------------------------------------------------------------------------- */

struct pair {
    struct template public_half, private_half;
    CK_OBJECT_CLASS public_class, private_class;
    CK_KEY_TYPE type;
    uint8_t id[ID_SIZE];
    CK_ULONG bits;
    uint8_t point[POINT_MAX];
};

/*
 * How much of what we want is asked for: a token may know less, and some refuse what they would do anyway. What they made
 * of it is checked afterwards in any case.
 */
enum strictness { ALL_SAID, SOME_SAID, STRICTNESSES };

static int pair_begin(struct pair *pair, CK_KEY_TYPE type, const char *label, struct sp_hostkey_error *error)
{
    *pair = (struct pair){.type = type, .public_class = CKO_PUBLIC_KEY, .private_class = CKO_PRIVATE_KEY};
    if (getrandom(pair->id, sizeof pair->id, 0) != (ssize_t)sizeof pair->id)
        return pkcs11_refused(error, -EIO, "no random numbers");
    struct template *both[] = {&pair->public_half, &pair->private_half};
    for (size_t i = 0; i < 2; i++) {
        put_bool(both[i], CKA_TOKEN, true);
        put_span(both[i], CKA_LABEL, sp_text(label));
        put(both[i], CKA_ID, pair->id, sizeof pair->id);
    }
    put_bool(&pair->public_half, CKA_VERIFY, true);
    put_bool(&pair->private_half, CKA_SIGN, true);
    put_bool(&pair->private_half, CKA_PRIVATE, true);
    put_bool(&pair->private_half, CKA_SENSITIVE, true);
    put_bool(&pair->private_half, CKA_EXTRACTABLE, false);
    return 0;
}

/* Other uses than signing, said to be none. */
static void pair_restrict(struct pair *pair)
{
    put_bool(&pair->public_half, CKA_PRIVATE, false);
    put_bool(&pair->public_half, CKA_WRAP, false);
    put_bool(&pair->private_half, CKA_DERIVE, false);
    put_bool(&pair->private_half, CKA_UNWRAP, false);
    put_bool(&pair->private_half, CKA_SIGN_RECOVER, false);
}

/*
 * Decryption is taken away afterwards. TPMs (tpm2-pkcs11 1.9) make a key that is for both, and fail over a template that
 * says otherwise, with the key made and left behind in one of their three places for objects. Who cannot take it away says
 * so in the key's attributes.
 */
static void decryption_remove(struct pkcs11 *p, CK_OBJECT_HANDLE public_half, CK_OBJECT_HANDLE private_half)
{
    CK_ATTRIBUTE decrypt = {CKA_DECRYPT, (void *)(uintptr_t)&no, sizeof no};
    CK_ATTRIBUTE encrypt = {CKA_ENCRYPT, (void *)(uintptr_t)&no, sizeof no};
    (void)p->module->C_SetAttributeValue(p->session, private_half, &decrypt, 1);
    (void)p->module->C_SetAttributeValue(p->session, public_half, &encrypt, 1);
}

/* Results by which a token says that it does not like the template, and not that it failed. */
static bool is_about_template(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCOMPLETE ||
           rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_DOMAIN_PARAMS_INVALID ||
           rv == CKR_CURVE_NOT_SUPPORTED || rv == CKR_GENERAL_ERROR || rv == CKR_ARGUMENTS_BAD;
}

/* ---- afterwards -------------------------------------------------------------------------------------------- */

/* What the token says about the new key. One that could leave it, or that anybody may use, is no host key. */
static int key_check(struct sp_manage *manage, struct sp_manage_key *key, struct sp_hostkey_error *error)
{
    const char *wrong = NULL;
    size_t destroyed;
    struct sp_hostkey_error ignored;
    int r = manage_key_read(&manage->p, key, error);
    if (r)
        return r;
    if (key->sensitive != SP_KEY_YES)
        wrong = "does not say that the key is sensitive";
    else if (key->extractable != SP_KEY_NO)
        wrong = "does not say that the key cannot be taken out";
    else if (key->sign == SP_KEY_NO)
        wrong = "says that the key cannot sign";
    else if (key->blob_size == 0)
        wrong = key->why;
    if (!wrong)
        return 0;
    r = manage_destroy(manage, key, &destroyed, &ignored);
    return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                          "the token made the key and %s; the key was %s, as it is no host key", wrong,
                          r == 0 ? "destroyed" : "NOT destroyed");
}

/* ---- making ------------------------------------------------------------------------------------------------ */

static CK_MECHANISM_TYPE generator(enum sp_key_make type)
{
    switch (type) {
    case SP_MAKE_ED25519:
        return CKM_EC_EDWARDS_KEY_PAIR_GEN;
    case SP_MAKE_RSA:
        return CKM_RSA_PKCS_KEY_PAIR_GEN;
    default:
        return CKM_EC_KEY_PAIR_GEN;
    }
}

static CK_KEY_TYPE key_type(enum sp_key_make type)
{
    return type == SP_MAKE_ED25519 ? CKK_EC_EDWARDS : type == SP_MAKE_RSA ? CKK_RSA : CKK_EC;
}

static int generate_once(struct pkcs11 *p, enum sp_key_make type, unsigned bits, const char *label,
                         struct sp_span der, enum strictness strictness, CK_RV *rv, CK_OBJECT_HANDLE *made,
                         struct sp_hostkey_error *error)
{
    struct pair pair;
    CK_OBJECT_HANDLE public_half;
    CK_MECHANISM mechanism = {generator(type), NULL, 0};
    int r = pair_begin(&pair, key_type(type), label, error);
    if (r)
        return r;
    pair.bits = bits;
    if (type == SP_MAKE_RSA) {
        put(&pair.public_half, CKA_MODULUS_BITS, &pair.bits, sizeof pair.bits);
        put(&pair.public_half, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    } else {
        put_span(&pair.public_half, CKA_EC_PARAMS, der);
    }
    if (strictness == ALL_SAID)
        pair_restrict(&pair);
    *rv = p->module->C_GenerateKeyPair(p->session, &mechanism, pair.public_half.rows, pair.public_half.count,
                                       pair.private_half.rows, pair.private_half.count, &public_half, made);
    if (*rv == CKR_OK)
        decryption_remove(p, public_half, *made);
    return 0;
}

int manage_generate(struct sp_manage *manage, enum sp_key_make type, unsigned bits, const char *label,
                    struct sp_manage_key *key, struct sp_hostkey_error *error)
{
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_RV rv = CKR_ARGUMENTS_BAD;
    for (size_t spelling = 0; spelling < 2 && is_about_template(rv); spelling++) {
        struct sp_span der = params[type][spelling];
        if (spelling != 0 && der.size == 0)
            break;
        for (unsigned s = 0; s < STRICTNESSES && is_about_template(rv); s++) {
            int r = generate_once(&manage->p, type, bits, label, der, (enum strictness)s, &rv, &made, error);
            if (r)
                return r;
        }
    }
    if (rv == CKR_MECHANISM_INVALID)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED, "this token cannot make keys of that type");
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_GenerateKeyPair");
    *key = (struct sp_manage_key){.handle = made};
    return key_check(manage, key, error);
}

/* ---- putting in -------------------------------------------------------------------------------------------- */

static enum sp_key_make make_of(const struct sp_private_key *k)
{
    if (k->kind == SP_PRIVATE_RSA)
        return SP_MAKE_RSA;
    if (k->kind == SP_PRIVATE_ED25519)
        return SP_MAKE_ED25519;
    return k->ecdsa.scalar.size == 32   ? SP_MAKE_P256
           : k->ecdsa.scalar.size == 48 ? SP_MAKE_P384
                                        : SP_MAKE_P521;
}

static void rsa_put(struct pair *pair, const struct sp_private_key *k)
{
    put_span(&pair->public_half, CKA_MODULUS, k->rsa.n);
    put_span(&pair->public_half, CKA_PUBLIC_EXPONENT, k->rsa.e);
    put_span(&pair->private_half, CKA_MODULUS, k->rsa.n);
    put_span(&pair->private_half, CKA_PUBLIC_EXPONENT, k->rsa.e);
    put_span(&pair->private_half, CKA_PRIVATE_EXPONENT, k->rsa.d);
    put_span(&pair->private_half, CKA_PRIME_1, k->rsa.p);
    put_span(&pair->private_half, CKA_PRIME_2, k->rsa.q);
    put_span(&pair->private_half, CKA_EXPONENT_1, k->rsa.dp);
    put_span(&pair->private_half, CKA_EXPONENT_2, k->rsa.dq);
    put_span(&pair->private_half, CKA_COEFFICIENT, k->rsa.qinv);
}

/* CKA_EC_POINT is a DER OCTET STRING: PKCS#11 v2.40 section 2.3.3. */
static void curve_put(struct pair *pair, const struct sp_private_key *k, struct sp_span der)
{
    bool edwards = k->kind == SP_PRIVATE_ED25519;
    struct sp_span point = edwards ? k->ed25519.point : k->ecdsa.point;
    size_t head = point.size > 0x7f ? 3 : 2;
    pair->point[0] = 0x04;
    pair->point[1] = head == 3 ? 0x81 : (uint8_t)point.size;
    if (head == 3)
        pair->point[2] = (uint8_t)point.size;
    memcpy(pair->point + head, point.data, point.size);
    put_span(&pair->public_half, CKA_EC_PARAMS, der);
    put(&pair->public_half, CKA_EC_POINT, pair->point, head + point.size);
    put_span(&pair->private_half, CKA_EC_PARAMS, der);
    put_span(&pair->private_half, CKA_VALUE, edwards ? k->ed25519.seed : k->ecdsa.scalar);
}

static CK_RV pair_create(struct pkcs11 *p, struct pair *pair, CK_OBJECT_HANDLE *made)
{
    CK_OBJECT_HANDLE public_half;
    CK_RV rv = p->module->C_CreateObject(p->session, pair->private_half.rows, pair->private_half.count, made);
    if (rv != CKR_OK)
        return rv;
    rv = p->module->C_CreateObject(p->session, pair->public_half.rows, pair->public_half.count, &public_half);
    if (rv == CKR_OK)
        decryption_remove(p, public_half, *made);
    else
        (void)p->module->C_DestroyObject(p->session, *made);
    return rv;
}

static int import_once(struct pkcs11 *p, const struct sp_private_key *k, const char *label,
                       struct sp_span der, enum strictness strictness, CK_RV *rv, CK_OBJECT_HANDLE *made,
                       struct sp_hostkey_error *error)
{
    struct pair pair;
    int r = pair_begin(&pair, key_type(make_of(k)), label, error);
    if (r)
        return r;
    put(&pair.public_half, CKA_CLASS, &pair.public_class, sizeof pair.public_class);
    put(&pair.private_half, CKA_CLASS, &pair.private_class, sizeof pair.private_class);
    put(&pair.public_half, CKA_KEY_TYPE, &pair.type, sizeof pair.type);
    put(&pair.private_half, CKA_KEY_TYPE, &pair.type, sizeof pair.type);
    if (k->kind == SP_PRIVATE_RSA)
        rsa_put(&pair, k);
    else
        curve_put(&pair, k, der);
    if (strictness == ALL_SAID)
        pair_restrict(&pair);
    *rv = pair_create(p, &pair, made);
    return 0;
}

int manage_import(struct sp_manage *manage, const struct sp_private_key *private_key, const char *label,
                  struct sp_manage_key *key, struct sp_hostkey_error *error)
{
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    CK_RV rv = CKR_ARGUMENTS_BAD;
    const struct sp_span *spellings = params[make_of(private_key)];
    for (size_t spelling = 0; spelling < 2 && is_about_template(rv); spelling++) {
        if (spelling != 0 && spellings[spelling].size == 0)
            break;
        for (unsigned s = 0; s < STRICTNESSES && is_about_template(rv); s++) {
            int r = import_once(&manage->p, private_key, label, spellings[spelling], (enum strictness)s, &rv,
                                &made, error);
            if (r)
                return r;
        }
    }
    if (rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_FUNCTION_REJECTED)
        return pkcs11_refused(error, SP_HOSTKEY_E_FAILED,
                              "this token takes no private keys from outside: make the key in it instead");
    if (rv != CKR_OK && is_about_template(rv))
        return pkcs11_refused(
            error, SP_HOSTKEY_E_FAILED,
            "this token does not take such a private key from outside: make the key in it instead "
            "(C_CreateObject: %s)",
            pkcs11_result_name(rv));
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_CreateObject");
    *key = (struct sp_manage_key){.handle = made};
    return key_check(manage, key, error);
}
