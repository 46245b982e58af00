/*
 * Tokens, for who looks after them: which there are, and making one ready. Input: a module's path, labels, PINs. Output:
 * what the module says, bounded and copied.
 */
#include "hostkey/manage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostkey/pkcs11_error.h"

#define MECHANISMS_MAX 512u

int manage_open(const char *module, struct sp_manage **manage, struct sp_hostkey_error *error)
{
    struct sp_manage *made = calloc(1, sizeof *made);
    if (!made)
        return pkcs11_refused(error, -ENOMEM, "out of memory");
    if (snprintf(made->path, sizeof made->path, "%s", module) >= (int)sizeof made->path) {
        free(made);
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "the module's path is too long");
    }
    int r = pkcs11_module_open(&made->p, module, error);
    if (r) {
        manage_close(made);
        return r;
    }
    *manage = made;
    return 0;
}

void manage_close(struct sp_manage *manage)
{
    if (!manage)
        return;
    pkcs11_module_close(&manage->p);
    free(manage);
}

/* ---- what there is ----------------------------------------------------------------------------------------- */

#define MECHANISM(name_)                                                                                     \
    {                                                                                                        \
        name_, #name_                                                                                        \
    }

static const struct {
    CK_MECHANISM_TYPE type;
    const char *name;
} mechanisms[] = {
    MECHANISM(CKM_EDDSA),
    MECHANISM(CKM_EC_EDWARDS_KEY_PAIR_GEN),
    MECHANISM(CKM_ECDSA),
    MECHANISM(CKM_ECDSA_SHA256),
    MECHANISM(CKM_ECDSA_SHA384),
    MECHANISM(CKM_ECDSA_SHA512),
    MECHANISM(CKM_EC_KEY_PAIR_GEN),
    MECHANISM(CKM_RSA_PKCS),
    MECHANISM(CKM_SHA256_RSA_PKCS),
    MECHANISM(CKM_SHA512_RSA_PKCS),
    MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN),
};

static const char *mechanism_name(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (mechanisms[i].type == type)
            return mechanisms[i].name;
    return NULL;
}

static void mechanism_add(struct pkcs11 *p, CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
                          struct sp_token_slot *out)
{
    CK_MECHANISM_INFO info;
    const char *name = mechanism_name(type);
    if (!name || out->mechanism_count == SP_MANAGE_MECHANISMS_MAX ||
        p->module->C_GetMechanismInfo(slot, type, &info) != CKR_OK)
        return;
    out->mechanisms[out->mechanism_count++] = (struct sp_token_mechanism){
        .name = name,
        .min = info.ulMinKeySize,
        .max = info.ulMaxKeySize,
        .signs = info.flags & CKF_SIGN,
        .generates = info.flags & CKF_GENERATE_KEY_PAIR,
    };
}

/* A module that cannot list them has none that we could be sure of. */
static void mechanisms_read(struct pkcs11 *p, CK_SLOT_ID slot, struct sp_token_slot *out)
{
    CK_MECHANISM_TYPE types[MECHANISMS_MAX];
    CK_ULONG count = MECHANISMS_MAX;
    if (p->module->C_GetMechanismList(slot, types, &count) != CKR_OK)
        return;
    for (CK_ULONG i = 0; i < count; i++)
        mechanism_add(p, slot, types[i], out);
}

static const struct {
    CK_FLAGS theirs;
    enum sp_token_flag ours;
} flags[] = {
    {CKF_TOKEN_INITIALIZED, SP_TOKEN_INITIALISED},     {CKF_LOGIN_REQUIRED, SP_TOKEN_LOGIN_REQUIRED},
    {CKF_USER_PIN_INITIALIZED, SP_TOKEN_PIN_SET},      {CKF_USER_PIN_COUNT_LOW, SP_TOKEN_PIN_LOW},
    {CKF_USER_PIN_FINAL_TRY, SP_TOKEN_PIN_FINAL},      {CKF_USER_PIN_LOCKED, SP_TOKEN_PIN_LOCKED},
    {CKF_USER_PIN_TO_BE_CHANGED, SP_TOKEN_PIN_CHANGE}, {CKF_PROTECTED_AUTHENTICATION_PATH, SP_TOKEN_PIN_PAD},
    {CKF_WRITE_PROTECTED, SP_TOKEN_READ_ONLY},         {CKF_SO_PIN_COUNT_LOW, SP_TOKEN_SO_PIN_LOW},
    {CKF_SO_PIN_FINAL_TRY, SP_TOKEN_SO_PIN_FINAL},     {CKF_SO_PIN_LOCKED, SP_TOKEN_SO_PIN_LOCKED},
};

static void text_copy(const CK_UTF8CHAR *field, size_t size, char *out)
{
    struct sp_span text = pkcs11_padded_text(field, size);
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
}

static bool slot_read(struct pkcs11 *p, CK_SLOT_ID id, struct sp_token_slot *slot)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO info;
    if (p->module->C_GetSlotInfo(id, &slot_info) != CKR_OK || p->module->C_GetTokenInfo(id, &info) != CKR_OK)
        return false;
    *slot = (struct sp_token_slot){.id = id};
    text_copy(slot_info.slotDescription, sizeof slot_info.slotDescription, slot->description);
    text_copy(info.label, sizeof info.label, slot->label);
    text_copy(info.serialNumber, sizeof info.serialNumber, slot->serial);
    text_copy(info.model, sizeof info.model, slot->model);
    text_copy(info.manufacturerID, sizeof info.manufacturerID, slot->manufacturer);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        slot->flags |= (info.flags & flags[i].theirs) ? (unsigned)flags[i].ours : 0;
    mechanisms_read(p, id, slot);
    return true;
}

int manage_slots(struct sp_manage *manage, struct sp_token_slot *slots, size_t *count,
                 struct sp_hostkey_error *error)
{
    CK_SLOT_ID ids[SP_MANAGE_SLOTS_MAX];
    CK_ULONG found = SP_MANAGE_SLOTS_MAX;
    CK_RV rv = manage->p.module->C_GetSlotList(CK_TRUE, ids, &found);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_GetSlotList");
    *count = 0;
    for (CK_ULONG i = 0; i < found; i++)
        if (slot_read(&manage->p, ids[i], &slots[*count]))
            (*count)++;
    return 0;
}

int manage_token(struct sp_manage *manage, struct sp_token_slot *slot, struct sp_hostkey_error *error)
{
    if (slot_read(&manage->p, manage->p.slot, slot))
        return 0;
    return pkcs11_refused(error, SP_HOSTKEY_E_LOST, "the token does not say any more what it is");
}

int manage_login(struct sp_manage *manage, const char *uri, struct sp_span pin, bool read_write,
                 struct sp_hostkey_error *error)
{
    manage->p.pin = pin;
    manage->p.read_write = read_write;
    return pkcs11_token_open(&manage->p, uri, error);
}

/* ---- initialising ------------------------------------------------------------------------------------------ */

/* Some modules give a token a slot of its own once it is initialised, and only a module that starts afresh says which. */
static int module_again(struct sp_manage *manage, struct sp_hostkey_error *error)
{
    pkcs11_module_close(&manage->p);
    return pkcs11_module_open(&manage->p, manage->path, error);
}

/*
 * The slot that a new token has. Most modules keep it where it was or say that its user has no PIN yet, but there are some
 * that do neither: then its label has to be the only one of its kind.
 */
static int slot_again(struct sp_manage *manage, unsigned long before, const char *label, CK_SLOT_ID *slot,
                      struct sp_hostkey_error *error)
{
    struct sp_token_slot found;
    CK_SLOT_ID ids[SP_MANAGE_SLOTS_MAX], any = 0, fresh = 0;
    CK_ULONG count = SP_MANAGE_SLOTS_MAX, anys = 0, freshs = 0;
    CK_RV rv = manage->p.module->C_GetSlotList(CK_TRUE, ids, &count);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        if (!slot_read(&manage->p, ids[i], &found) || !(found.flags & SP_TOKEN_INITIALISED) ||
            strcmp(found.label, label) != 0)
            continue;
        any = anys++ == 0 || ids[i] == before ? ids[i] : any;
        if (!(found.flags & SP_TOKEN_PIN_SET))
            fresh = freshs++ == 0 || ids[i] == before ? ids[i] : fresh;
    }
    *slot = freshs != 0 ? fresh : any;
    if (freshs == 1 || anys == 1 || (anys != 0 && *slot == before))
        return 0;
    return pkcs11_refused(error, SP_HOSTKEY_E_STOP,
                          "token \"%s\" was initialised, and %s: its user's PIN is not set", label,
                          anys ? "several others have the same label" : "cannot be found afterwards");
}

static CK_UTF8CHAR *pin_of(struct sp_span pin)
{
    return (CK_UTF8CHAR *)(uintptr_t)pin.data;
}

static int user_pin_set(struct sp_manage *manage, CK_SLOT_ID slot, struct sp_span so_pin, struct sp_span pin,
                        struct sp_hostkey_error *error)
{
    struct pkcs11 *p = &manage->p;
    CK_RV rv = p->module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_OpenSession");
    rv = p->module->C_Login(p->session, CKU_SO, pin_of(so_pin), so_pin.size);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_Login as security officer");
    rv = p->module->C_InitPIN(p->session, pin_of(pin), pin.size);
    (void)p->module->C_Logout(p->session);
    return rv == CKR_OK ? 0 : pkcs11_failed(error, rv, "C_InitPIN");
}

int manage_initialise(struct sp_manage *manage, unsigned long slot, const char *label, struct sp_span so_pin,
                      struct sp_span pin, struct sp_hostkey_error *error)
{
    CK_UTF8CHAR padded[SP_MANAGE_TOKEN_LABEL];
    CK_SLOT_ID now = slot;
    size_t size = strlen(label);
    if (size == 0 || size > sizeof padded)
        return pkcs11_refused(error, SP_HOSTKEY_E_STOP, "a token's label has between 1 and %u octets",
                              SP_MANAGE_TOKEN_LABEL);
    memset(padded, ' ', sizeof padded);
    memcpy(padded, label, size);
    CK_RV rv = manage->p.module->C_InitToken(slot, pin_of(so_pin), so_pin.size, padded);
    if (rv != CKR_OK)
        return pkcs11_failed(error, rv, "C_InitToken");
    int r = module_again(manage, error);
    if (r == 0)
        r = slot_again(manage, slot, label, &now, error);
    return r ? r : user_pin_set(manage, now, so_pin, pin, error);
}
