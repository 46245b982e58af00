/*
 * What a PKCS#11 result means for the life of the process that got it. Modules disagree about which code says that a
 * token is gone, so everything that might is taken for it: starting afresh heals all of them and harms none.
 */
#pragma once

#include <p11-kit/pkcs11.h>

#include <sallyport/hostkey.h>

/* The SP_HOSTKEY_E_* of a result that is not CKR_OK. */
int pkcs11_classify(CK_RV result);
const char *pkcs11_result_name(CK_RV result);

/* Fills error->text and returns the class: return pkcs11_failed(error, rv, "C_Login"). */
SP_MUST_USE int pkcs11_failed(struct sp_hostkey_error *error, CK_RV result, const char *call);
/* The same for a C_Login with a PIN: SP_HOSTKEY_E_LOGIN where the result does not say whether the token has counted it as a
 * wrong one, which is what tokens do that fail in the middle. */
SP_MUST_USE int pkcs11_login_failed(struct sp_hostkey_error *error, CK_RV result, const char *call);
/* Fills error->text with a sentence of ours and returns `code`. */
SP_MUST_USE int pkcs11_refused(struct sp_hostkey_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
