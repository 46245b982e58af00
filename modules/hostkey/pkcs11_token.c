/*
 * Which token, and the login. Input: a URI's token attributes, the PIN. Output: one session, logged in. The PIN is
 * sent at most once per process, and not at all where one more mistake would lock the token.
 */
#include <stdio.h>

#include "hostkey/pkcs11.h"
#include "hostkey/pkcs11_error.h"

#define SLOTS_MAX 64u

struct sp_span pkcs11_padded_text(const CK_UTF8CHAR *field, size_t size)
{
    while (size != 0 && field[size - 1] == ' ')
        size--;
    return sp_span_of(field, size);
}

struct token_search {
    CK_SLOT_ID found;
    CK_TOKEN_INFO info;
    size_t matches;
    char seen[256]; /* labels of what is there instead, for the error */
    size_t seen_size;
};

static void search_note(struct token_search *search, const CK_TOKEN_INFO *info)
{
    struct sp_span label = pkcs11_padded_text(info->label, sizeof info->label);
    int n = snprintf(search->seen + search->seen_size, sizeof search->seen - search->seen_size, "%s\"%.*s\"",
                     search->seen_size ? ", " : "", (int)label.size, (const char *)label.data);
    if (n > 0 && (size_t)n < sizeof search->seen - search->seen_size)
        search->seen_size += (size_t)n;
    search->seen[search->seen_size] = 0;
}

static bool slot_matches(P11KitUri *uri, CK_SLOT_ID slot, const CK_SLOT_INFO *slot_info,
                         CK_TOKEN_INFO *token_info)
{
    CK_SLOT_INFO copy = *slot_info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && p11_kit_uri_match_slot_info(uri, &copy) &&
           p11_kit_uri_match_token_info(uri, token_info);
}

static void slot_look(struct pkcs11 *p, P11KitUri *uri, CK_SLOT_ID slot, struct token_search *search)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO info;
    if (p->module->C_GetSlotInfo(slot, &slot_info) != CKR_OK ||
        p->module->C_GetTokenInfo(slot, &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
        return;
    search_note(search, &info);
    if (!slot_matches(uri, slot, &slot_info, &info))
        return;
    search->matches++;
    search->found = slot;
    search->info = info;
}

static int token_find(struct pkcs11 *p, const char *text, struct token_search *search,
                      struct sp_hostkey_error *error)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CLEANUP_URI P11KitUri *uri = NULL;
    int r = pkcs11_uri_parse(text, &uri, error);
    if (r)
        return r;
    CK_RV rv = p->module->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++)
        slot_look(p, uri, slots[i], search);
    if (search->matches == 1)
        return 0;
    if (search->matches > 1)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                              "%zu tokens fit %s: name one by its token or serial attribute (there are %s)",
                              search->matches, text, search->seen);
    return pkcs11_refused(error, SP_HOSTKEY_E_MISSING, "no token fits %s (there %s)", text,
                          search->seen_size ? search->seen : "is no initialised token at all");
}

/* Read-only is all that signing needs; some network modules only know read-write sessions. */
static int session_open(struct pkcs11 *p, struct sp_hostkey_error *error)
{
    CK_RV rv = CKR_SESSION_READ_ONLY;
    if (!p->read_write)
        rv = p->module->C_OpenSession(p->slot, CKF_SERIAL_SESSION, NULL, NULL, &p->session);
    if (rv != CKR_OK)
        rv = p->module->C_OpenSession(p->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);
    return rv == CKR_OK ? 0 : pkcs11_failed(error, rv, "C_OpenSession");
}

/* Whether the PIN may be sent: a wrong one at the final try locks the token, maybe for ever. */
static int login_allowed(const struct pkcs11 *p, CK_FLAGS flags, struct sp_hostkey_error *error)
{
    if (flags & CKF_USER_PIN_LOCKED)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "token \"%s\": its PIN is locked", p->token);
    if (flags & CKF_USER_PIN_FINAL_TRY)
        return pkcs11_refused(
            error, SP_HOSTKEY_E_STOP,
            "token \"%s\" has one try left for its PIN, which is not sent: log in once by hand to "
            "reset its counter",
            p->token);
    if (p->pin.size == 0 && !(flags & CKF_PROTECTED_AUTHENTICATION_PATH))
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                              "token \"%s\" wants a PIN and none is configured: set TokenPIN", p->token);
    return 0;
}

static int login(struct pkcs11 *p, CK_FLAGS flags, struct sp_hostkey_error *error)
{
    if (!(flags & CKF_LOGIN_REQUIRED)) /* module-protected keys: C_Login would fail there */
        return 0;
    int r = login_allowed(p, flags, error);
    if (r)
        return r;
    CK_UTF8CHAR *pin = p->pin.size != 0 ? (CK_UTF8CHAR *)(uintptr_t)p->pin.data : NULL;
    CK_RV rv = p->module->C_Login(p->session, CKU_USER, pin, p->pin.size);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return 0;
    char call[80];
    snprintf(call, sizeof call, "token \"%s\": C_Login", p->token);
    return pkcs11_login_failed(error, rv, call);
}

int pkcs11_token_open(struct pkcs11 *p, const char *uri, struct sp_hostkey_error *error)
{
    struct token_search search = {0};
    int r = token_find(p, uri, &search, error);
    if (r)
        return r;
    struct sp_span label = pkcs11_padded_text(search.info.label, sizeof search.info.label);
    p->slot = search.found;
    memcpy(p->token, label.data, label.size);
    r = session_open(p, error);
    return r ? r : login(p, search.info.flags, error);
}
