/*
 * A PKCS#11 module that breaks on demand, for tests alone: SoftHSM2's functions, with a few replaced that first read a file
 * named by FAULT_FILE. Each line of it is a fault, `CALL WHAT [COUNT]`, and is in force for the first COUNT calls:
 *
 *   C_Sign flip         one bit of the signature is another one
 *   C_Sign 0x30         that result, without the call (C_Initialize, C_OpenSession, C_Login, C_SignInit too)
 *   C_Sign delay:50     takes 50 ms longer
 *   C_Sign hang         never returns
 *   C_Sign crash        ends the process
 *   C_GetTokenInfo 0x20000   these flags beside the token's own (CKF_USER_PIN_FINAL_TRY)
 *
 * Every C_Login is noted in FAULT_FILE.logins, one line each.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL_MODULE "/usr/lib/softhsm/libsofthsm2.so"

static CK_FUNCTION_LIST wrapped;
static CK_FUNCTION_LIST *real;

struct fault {
    bool flip;
    bool given; /* a result without the call */
    CK_RV result;
};

static unsigned calls_of(const char *call)
{
    static const char *const names[] = {"C_Initialize", "C_OpenSession", "C_Login",
                                        "C_SignInit",   "C_Sign",        "C_GetTokenInfo"};
    static unsigned counts[sizeof names / sizeof names[0]];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], call) == 0)
            return ++counts[i];
    return 0;
}

static void fault_apply(const char *what, struct fault *fault)
{
    if (strcmp(what, "crash") == 0)
        abort();
    while (strcmp(what, "hang") == 0)
        pause();
    unsigned delay_ms;
    if (sscanf(what, "delay:%u", &delay_ms) == 1) {
        usleep(delay_ms * 1000);
        return;
    }
    fault->flip = strcmp(what, "flip") == 0;
    fault->given = !fault->flip;
    fault->result = fault->flip ? CKR_OK : (CK_RV)strtoul(what, NULL, 0);
}

static struct fault fault_now(const char *call)
{
    struct fault fault = {0};
    const char *path = getenv("FAULT_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    unsigned count = calls_of(call);
    char line[128];
    while (file && fgets(line, sizeof line, file)) {
        char name[64], what[64];
        unsigned most = ~0u;
        if (sscanf(line, "%63s %63s %u", name, what, &most) >= 2 && strcmp(name, call) == 0 && count <= most)
            fault_apply(what, &fault);
    }
    if (file)
        fclose(file);
    return fault;
}

static void login_note(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s.logins", getenv("FAULT_FILE"));
    FILE *file = fopen(path, "ae");
    if (!file)
        return;
    fputs("login\n", file);
    fclose(file);
}

static CK_RV fault_initialize(void *arguments)
{
    struct fault fault = fault_now("C_Initialize");
    return fault.given ? fault.result : real->C_Initialize(arguments);
}

static CK_RV fault_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                                CK_SESSION_HANDLE *session)
{
    struct fault fault = fault_now("C_OpenSession");
    return fault.given ? fault.result : real->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV fault_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG size)
{
    struct fault fault = fault_now("C_Login");
    login_note();
    return fault.given ? fault.result : real->C_Login(session, user, pin, size);
}

static CK_RV fault_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct fault fault = fault_now("C_SignInit");
    return fault.given ? fault.result : real->C_SignInit(session, mechanism, key);
}

static CK_RV fault_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature,
                        CK_ULONG *size)
{
    struct fault fault = fault_now("C_Sign");
    CK_RV rv = fault.given ? fault.result : real->C_Sign(session, data, data_size, signature, size);
    if (fault.flip && rv == CKR_OK)
        signature[*size / 2] ^= 1;
    return rv;
}

static CK_RV fault_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct fault fault = fault_now("C_GetTokenInfo");
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    if (fault.given && rv == CKR_OK)
        info->flags |= fault.result;
    return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    void *library = dlopen(REAL_MODULE, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    if (library)
        *(void **)(&get) = dlsym(library, "C_GetFunctionList");
    if (!get || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    wrapped = *real;
    wrapped.C_Initialize = fault_initialize;
    wrapped.C_OpenSession = fault_open_session;
    wrapped.C_Login = fault_login;
    wrapped.C_SignInit = fault_sign_init;
    wrapped.C_Sign = fault_sign;
    wrapped.C_GetTokenInfo = fault_token_info;
    *list = &wrapped;
    return CKR_OK;
}
