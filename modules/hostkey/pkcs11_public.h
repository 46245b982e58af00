/* Public keys: from the attributes that a token has of them to SSH's blobs. Pure. */
#pragma once

#include <p11-kit/pkcs11.h>

#include <sallyport/hostkey.h>

/* Whatever the token gave; an absent attribute is the empty span. */
struct pkcs11_public {
    CK_KEY_TYPE type;
    struct sp_span ec_params, ec_point; /* EC and EdDSA, as on the token */
    struct sp_span modulus, exponent;   /* RSA */
};

/*
 * Appends the blob (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4). 0, SP_E_MALFORMED (attributes
 * missing or not of the form that PKCS#11 says), SP_E_REFUSED (no key type or curve of ours), SP_E_NO_ROOM.
 */
SP_MUST_USE int pkcs11_public_blob(const struct pkcs11_public *key, struct sp_out *blob);
