/*
 * From PKCS#11's public attributes to an SSH public key blob. Input: what a vendor's module says, which may be any
 * bytes. Output: a blob that the signer inspects again and proves with a signature.
 */
#include "hostkey/pkcs11_public.h"

#include <sallyport/wire.h>

#define DER_OCTET_STRING 0x04u
#define ED25519_SIZE 32u

struct curve_row {
    CK_KEY_TYPE type;
    struct sp_span params; /* DER of CKA_EC_PARAMS */
    const char *ssh_name;
    const char *ssh_curve;
    size_t point_size;
};

#define BYTES_OF(text_)                                                                                      \
    {                                                                                                        \
        (const uint8_t *)(text_), sizeof(text_) - 1                                                          \
    }

/* Ed25519 has two spellings among tokens: PKCS#11 v3.0's PrintableString, and the OID of RFC 8410. */
static const struct curve_row curves[] = {
    {CKK_EC, BYTES_OF("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), "ecdsa-sha2-nistp256", "nistp256", 65},
    {CKK_EC, BYTES_OF("\x06\x05\x2b\x81\x04\x00\x22"), "ecdsa-sha2-nistp384", "nistp384", 97},
    {CKK_EC, BYTES_OF("\x06\x05\x2b\x81\x04\x00\x23"), "ecdsa-sha2-nistp521", "nistp521", 133},
    {CKK_EC_EDWARDS,
     BYTES_OF("\x13\x0c"
              "edwards25519"),
     "ssh-ed25519", NULL, ED25519_SIZE},
    {CKK_EC_EDWARDS, BYTES_OF("\x06\x03\x2b\x65\x70"), "ssh-ed25519", NULL, ED25519_SIZE},
};

static const struct curve_row *curve_find(const struct pkcs11_public *key)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (curves[i].type == key->type && sp_span_equal(curves[i].params, key->ec_params))
            return &curves[i];
    return NULL;
}

/* The content of a DER OCTET STRING that fills the span; lengths up to 255 are all that a point of ours needs. */
static bool octet_string(struct sp_span der, struct sp_span *content)
{
    if (der.size < 2 || der.data[0] != DER_OCTET_STRING)
        return false;
    size_t head = der.data[1] == 0x81 ? 3 : 2;
    if (der.size < head || (head == 2 && der.data[1] > 0x7f) || der.size - head != der.data[head - 1])
        return false;
    *content = sp_span_of(der.data + head, der.size - head);
    return true;
}

/* CKA_EC_POINT is a DER OCTET STRING by the standard, and bare on some tokens; the length tells which. */
static int point_open(struct sp_span attribute, size_t size, struct sp_span *point)
{
    if (octet_string(attribute, point) && point->size == size)
        return 0;
    *point = attribute;
    return attribute.size == size ? 0 : SP_E_MALFORMED;
}

static int curve_blob(const struct pkcs11_public *key, struct sp_out *blob)
{
    const struct curve_row *curve = curve_find(key);
    struct sp_span point;
    if (key->ec_params.size == 0 || key->ec_point.size == 0)
        return SP_E_MALFORMED;
    if (!curve)
        return SP_E_REFUSED;
    int r = point_open(key->ec_point, curve->point_size, &point);
    if (r)
        return r;
    sp_put_text(blob, curve->ssh_name);
    if (curve->ssh_curve)
        sp_put_text(blob, curve->ssh_curve);
    sp_put_string(blob, point);
    return sp_put_end(blob);
}

static int rsa_blob(const struct pkcs11_public *key, struct sp_out *blob)
{
    if (key->modulus.size == 0 || key->exponent.size == 0)
        return SP_E_MALFORMED;
    sp_put_text(blob, "ssh-rsa");
    sp_put_mpint(blob, key->exponent);
    sp_put_mpint(blob, key->modulus);
    return sp_put_end(blob);
}

int pkcs11_public_blob(const struct pkcs11_public *key, struct sp_out *blob)
{
    switch (key->type) {
    case CKK_RSA:
        return rsa_blob(key, blob);
    case CKK_EC:
    case CKK_EC_EDWARDS:
        return curve_blob(key, blob);
    default:
        return SP_E_REFUSED;
    }
}
