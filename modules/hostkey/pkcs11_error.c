/*
 * PKCS#11 results by meaning (PKCS#11 v3.0 section 5.1). Input: what a vendor's module returned. Output: what to do
 * about it, and words for the log.
 */
#include "hostkey/pkcs11_error.h"

#include <stdarg.h>
#include <stdio.h>

struct result_row {
    CK_RV result;
    int meaning;
    const char *name;
};

#define ROW(result_, meaning_)                                                                               \
    {                                                                                                        \
        result_, SP_HOSTKEY_E_##meaning_, #result_                                                           \
    }

static const struct result_row rows[] = {
    ROW(CKR_HOST_MEMORY, LOST),
    ROW(CKR_SLOT_ID_INVALID, LOST),
    ROW(CKR_GENERAL_ERROR, LOST),
    ROW(CKR_FUNCTION_FAILED, LOST),
    ROW(CKR_DEVICE_ERROR, LOST),
    ROW(CKR_DEVICE_MEMORY, LOST),
    ROW(CKR_DEVICE_REMOVED, LOST),
    ROW(CKR_KEY_HANDLE_INVALID, LOST),
    ROW(CKR_OBJECT_HANDLE_INVALID, LOST),
    ROW(CKR_OPERATION_ACTIVE, LOST),
    ROW(CKR_OPERATION_NOT_INITIALIZED, LOST),
    ROW(CKR_SESSION_CLOSED, LOST),
    ROW(CKR_SESSION_COUNT, LOST),
    ROW(CKR_SESSION_HANDLE_INVALID, LOST),
    ROW(CKR_TOKEN_NOT_PRESENT, LOST),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, LOST),
    ROW(CKR_USER_NOT_LOGGED_IN, LOST),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, LOST),
    ROW(CKR_PIN_INCORRECT, PIN),
    ROW(CKR_PIN_INVALID, PIN),
    ROW(CKR_PIN_LEN_RANGE, PIN),
    ROW(CKR_PIN_EXPIRED, STOP),
    ROW(CKR_PIN_LOCKED, STOP),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, STOP),
    ROW(CKR_ARGUMENTS_BAD, FAILED),
    ROW(CKR_ATTRIBUTE_READ_ONLY, FAILED),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, FAILED),
    ROW(CKR_CURVE_NOT_SUPPORTED, FAILED),
    ROW(CKR_DOMAIN_PARAMS_INVALID, FAILED),
    ROW(CKR_SESSION_READ_ONLY, FAILED),
    ROW(CKR_TEMPLATE_INCOMPLETE, FAILED),
    ROW(CKR_TEMPLATE_INCONSISTENT, FAILED),
    ROW(CKR_TOKEN_WRITE_PROTECTED, FAILED),
    ROW(CKR_ATTRIBUTE_TYPE_INVALID, FAILED),
    ROW(CKR_DATA_INVALID, FAILED),
    ROW(CKR_DATA_LEN_RANGE, FAILED),
    ROW(CKR_BUFFER_TOO_SMALL, FAILED),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, FAILED),
    ROW(CKR_FUNCTION_REJECTED, FAILED),
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, FAILED),
    ROW(CKR_KEY_SIZE_RANGE, FAILED),
    ROW(CKR_KEY_TYPE_INCONSISTENT, FAILED),
    ROW(CKR_MECHANISM_INVALID, FAILED),
    ROW(CKR_MECHANISM_PARAM_INVALID, FAILED),
};

static const struct result_row *row_find(CK_RV result)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].result == result)
            return &rows[i];
    return NULL;
}

int pkcs11_classify(CK_RV result)
{
    const struct result_row *row = row_find(result);
    return row ? row->meaning
               : SP_HOSTKEY_E_LOST; /* vendor-defined codes too: a fresh start is never wrong */
}

const char *pkcs11_result_name(CK_RV result)
{
    const struct result_row *row = row_find(result);
    return row ? row->name : "an unknown result";
}

int pkcs11_failed(struct sp_hostkey_error *error, CK_RV result, const char *call)
{
    snprintf(error->text, sizeof error->text, "%s: %s (0x%lx)", call, pkcs11_result_name(result), result);
    return pkcs11_classify(result);
}

/* These tell that nobody got to see the PIN. */
static bool came_before_the_pin(CK_RV result)
{
    static const CK_RV results[] = {CKR_SLOT_ID_INVALID,       CKR_DEVICE_REMOVED,
                                    CKR_SESSION_CLOSED,        CKR_SESSION_HANDLE_INVALID,
                                    CKR_TOKEN_NOT_PRESENT,     CKR_TOKEN_NOT_RECOGNIZED,
                                    CKR_ARGUMENTS_BAD,         CKR_CRYPTOKI_NOT_INITIALIZED,
                                    CKR_OPERATION_ACTIVE,      CKR_OPERATION_NOT_INITIALIZED,
                                    CKR_FUNCTION_NOT_SUPPORTED};
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i] == result)
            return true;
    return false;
}

int pkcs11_login_failed(struct sp_hostkey_error *error, CK_RV result, const char *call)
{
    int meaning = pkcs11_failed(error, result, call);
    bool is_clear =
        meaning == SP_HOSTKEY_E_PIN || meaning == SP_HOSTKEY_E_STOP || came_before_the_pin(result);
    return is_clear ? meaning : SP_HOSTKEY_E_LOGIN;
}

int pkcs11_refused(struct sp_hostkey_error *error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}
