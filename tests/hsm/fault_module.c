/*
 * A PKCS#11 module that breaks on demand, for tests alone: SoftHSM2's functions, with a few replaced that first read a file
 * named by FAULT_FILE. Each line of it is a fault, `CALL WHAT [COUNT]`, and is in force for a process's first COUNT calls,
 * or once for all processes if COUNT is `once`:
 *
 *   C_Sign flip         one bit of the signature is another one
 *   C_Sign flip:3       the same in one call of three, by chance
 *   C_Sign 0x30         that result and nothing else (C_Initialize, C_OpenSession, C_Login, C_SignInit too)
 *   C_Sign delay:50     takes 50 ms longer
 *   C_Sign hang         never returns
 *   C_Sign crash        ends the process
 *   C_Initialize threads:4   as many threads of its own, which stay
 *   C_FindObjectsInit vanish finds nothing
 *   C_GetTokenInfo 0x20000   these flags beside the token's own (CKF_USER_PIN_FINAL_TRY)
 *
 * Every C_Login is noted in FAULT_FILE.logins, one line each; every signature that was made wrong in FAULT_FILE.flipped, in hex.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define REAL_MODULE "/usr/lib/softhsm/libsofthsm2.so"

static CK_FUNCTION_LIST wrapped;
static CK_FUNCTION_LIST *real;

struct fault {
    bool flip;
    bool vanish;
    bool given; /* a result without the call */
    CK_RV result;
};

static unsigned calls_of(const char *call)
{
    static const char *const names[] = {"C_Initialize", "C_OpenSession",  "C_Login",          "C_SignInit",
                                        "C_Sign",       "C_GetTokenInfo", "C_FindObjectsInit"};
    static unsigned counts[sizeof names / sizeof names[0]];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], call) == 0)
            return ++counts[i];
    return 0;
}

static void *thread_stay(void *nothing)
{
    for (;;)
        usleep(1000);
    return nothing;
}

static void threads_start(unsigned count)
{
    pthread_t thread;
    while (count-- > 0)
        if (pthread_create(&thread, NULL, thread_stay, NULL) != 0)
            abort();
}

static bool is_one_of(unsigned many)
{
    unsigned chance;
    return getrandom(&chance, sizeof chance, 0) == sizeof chance && chance % many == 0;
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
    unsigned count;
    if (sscanf(what, "threads:%u", &count) == 1) {
        threads_start(count);
    } else if (sscanf(what, "flip:%u", &count) == 1 && count != 0) {
        fault->flip = is_one_of(count);
    } else if (strcmp(what, "flip") == 0) {
        fault->flip = true;
    } else if (strcmp(what, "vanish") == 0) {
        fault->vanish = true;
    } else {
        fault->given = true;
        fault->result = (CK_RV)strtoul(what, NULL, 0);
    }
}

/* FAULT_FILE.once says that it has been. */
static bool once_is_now(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s.once", getenv("FAULT_FILE"));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && close(fd) == 0;
}

static bool is_in_force(const char *count, unsigned calls)
{
    return *count == 0 || (strcmp(count, "once") == 0 ? once_is_now() : calls <= strtoul(count, NULL, 10));
}

static struct fault fault_now(const char *call)
{
    struct fault fault = {0};
    const char *path = getenv("FAULT_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    unsigned count = calls_of(call);
    char line[128];
    while (file && fgets(line, sizeof line, file)) {
        char name[64], what[64], most[16] = "";
        if (sscanf(line, "%63s %63s %15s", name, what, most) >= 2 && strcmp(name, call) == 0 &&
            is_in_force(most, count))
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

static void flipped_note(const CK_BYTE *signature, CK_ULONG size)
{
    char path[512];
    snprintf(path, sizeof path, "%s.flipped", getenv("FAULT_FILE"));
    FILE *file = fopen(path, "ae");
    if (!file)
        abort(); /* a wrong signature that the test does not know of */
    for (CK_ULONG i = 0; i < size; i++)
        fprintf(file, "%02x", signature[i]);
    fputc('\n', file);
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
    /* Also when it is to fail: a failure ends the operation. */
    CK_RV rv = real->C_Sign(session, data, data_size, signature, size);
    if (fault.given)
        return fault.result;
    if (fault.flip && rv == CKR_OK && signature) {
        signature[*size / 2] ^= 1;
        flipped_note(signature, *size);
    }
    return rv;
}

static CK_RV fault_find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    struct fault fault = fault_now("C_FindObjectsInit");
    static CK_BYTE nowhere[] = "an object that no token has";
    CK_ATTRIBUTE nothing = {CKA_LABEL, nowhere, sizeof nowhere - 1};
    if (fault.given)
        return fault.result;
    return fault.vanish ? real->C_FindObjectsInit(session, &nothing, 1)
                        : real->C_FindObjectsInit(session, wanted, count);
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
    wrapped.C_FindObjectsInit = fault_find_objects_init;
    *list = &wrapped;
    return CKR_OK;
}
