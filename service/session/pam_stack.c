/* The PAM stack. Input: libpam and its modules, the login's own facts. Output: verdicts, the user's environment. */
#include "session/pam_stack.h"

#include <errno.h>
#include <grp.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "session/login.h"

/* What PAM is started with for a name that may not reach it; no such login ever succeeds. */
#define NAME_FOR_UNUSABLE "invalid-user"

/* Failures are answered at fixed times (authenticate.c). libpam's own delay would block this process for a random
 * time that can be averaged out, and is called on success, too. */
static void delay_nothing(int status, unsigned usec, void *context)
{
    (void)status, (void)usec, (void)context;
}

static const char *name_for_pam(const struct login *login)
{
    return login->account.name_ok ? login->account.name : NAME_FOR_UNUSABLE;
}

static bool service_name_ok(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size < 64 && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == size;
}

/* Modules named in there run as root. */
static bool directory_is_roots(const char *path)
{
    struct stat st;
    return path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
           !(st.st_mode & 022);
}

static int handle_open(struct login *login, pam_handle_t **handle)
{
    const struct pam_conv conv = {.conv = conversation_speak, .appdata_ptr = login};
    const char *service = login->config->pam_service_name;
    const char *directory = login->config->pam_config_directory;
    if (!service_name_ok(service)) {
        log_say(&login->log, LOG_LEVEL_ERROR, "pam_failed", "PAMServiceName: not the name of a PAM service");
        return PAM_ABORT;
    }
    if (directory[0] == 0)
        return pam_start(service, name_for_pam(login), &conv, handle);
    if (!directory_is_roots(directory)) {
        log_say(&login->log, LOG_LEVEL_ERROR, "pam_failed",
                "PAMConfigDirectory %s: not an absolute path, or others than root may write there",
                directory);
        return PAM_ABORT;
    }
    return pam_start_confdir(service, name_for_pam(login), &conv, directory, handle);
}

static int items_set(struct login *login, pam_handle_t *handle)
{
    union {
        void (*function)(int, unsigned, void *);
        const void *item;
    } delay = {.function = delay_nothing};
    char connection[192];
    snprintf(connection, sizeof connection, "SSH_CONNECTION=%s %u %s %u", login->remote_address,
             login->remote_port, login->local_address, login->local_port);
    int r = pam_set_item(handle, PAM_FAIL_DELAY, delay.item);
    /* A number, never a name: modules resolve names, for seconds. Without an address there is no remote host. */
    if (r == PAM_SUCCESS && login->remote_address[0])
        r = pam_set_item(handle, PAM_RHOST, login->remote_address);
    if (r == PAM_SUCCESS)
        r = pam_set_item(handle, PAM_TTY, "ssh");
    if (r == PAM_SUCCESS && login->remote_address[0])
        r = pam_putenv(handle, connection);
    return r;
}

int pam_stack_start(struct login *login)
{
    pam_handle_t *handle = NULL;
    if (login->pam.handle)
        return 0;
    int r = handle_open(login, &handle);
    if (r == PAM_SUCCESS)
        r = items_set(login, handle);
    if (r == PAM_SUCCESS) {
        login->pam.handle = handle;
        return 0;
    }
    log_say(&login->log, LOG_LEVEL_ERROR, "pam_failed", "PAM service \"%s\" does not start: %s",
            login->config->pam_service_name, pam_strerror(handle, r));
    if (handle)
        (void)pam_end(handle, r);
    return -EIO;
}

void pam_stack_converse(struct login *login, enum conversation_mode mode, bool honest)
{
    login->pam.conversation = (struct conversation){.mode = mode, .honest = honest};
}

static bool user_is_unchanged(const struct login *login)
{
    const void *user = NULL;
    return pam_get_item(login->pam.handle, PAM_USER, &user) == PAM_SUCCESS && user &&
           strcmp(user, name_for_pam(login)) == 0;
}

static void user_restore(struct login *login)
{
    log_say(&login->log, LOG_LEVEL_WARNING, "pam_user_changed",
            "a PAM module changed the user name; this is not supported");
    (void)pam_set_item(login->pam.handle, PAM_USER, name_for_pam(login));
}

/* The end of every stage. */
static enum sp_verdict stage_ended(struct login *login, int code)
{
    struct pam_stack *pam = &login->pam;
    enum sp_verdict verdict = SP_VERDICT_BAD;
    pam->code = code;
    snprintf(pam->why, sizeof pam->why, "%s", pam_strerror(pam->handle, code));
    /* Modules may have left it ignored, and then nobody's exit status would be seen. */
    (void)signal(SIGCHLD, SIG_DFL);
    if (!user_is_unchanged(login)) {
        user_restore(login);
        snprintf(pam->why, sizeof pam->why, "a PAM module changed the user name");
        return verdict;
    }
    if (code == PAM_SUCCESS && !pam->conversation.ended && !pam->conversation.replaced)
        verdict = SP_VERDICT_GOOD;
    return verdict;
}

static int flags_for(const struct login *login)
{
    return login->config->permit_empty_passwords ? 0 : (int)PAM_DISALLOW_NULL_AUTHTOK;
}

enum sp_verdict pam_stack_authenticate(struct login *login)
{
    return stage_ended(login, pam_authenticate(login->pam.handle, flags_for(login)));
}

enum sp_verdict pam_stack_account(struct login *login)
{
    login->pam.conversation.show = true;
    int code = pam_acct_mgmt(login->pam.handle, flags_for(login));
    login->pam.expired = code == PAM_NEW_AUTHTOK_REQD;
    return stage_ended(login, code);
}

enum sp_verdict pam_stack_change(struct login *login)
{
    login->pam.conversation.show = true;
    enum sp_verdict verdict =
        stage_ended(login, pam_chauthtok(login->pam.handle, PAM_CHANGE_EXPIRED_AUTHTOK));
    if (verdict != SP_VERDICT_GOOD)
        return verdict;
    return pam_stack_account(login);
}

/* Groups before credentials: pam_group adds to what initgroups set. */
static enum sp_verdict credentials_establish(struct login *login)
{
    if (initgroups(login->account.name, login->account.gid) < 0) {
        snprintf(login->pam.why, sizeof login->pam.why, "the user's groups cannot be set: %s",
                 strerror(errno));
        return SP_VERDICT_BAD;
    }
    int code = pam_setcred(login->pam.handle, PAM_ESTABLISH_CRED);
    login->pam.has_credentials = code == PAM_SUCCESS;
    return stage_ended(login, code);
}

enum sp_verdict pam_stack_open_session(struct login *login)
{
    login->pam.conversation.show = true;
    enum sp_verdict verdict = credentials_establish(login);
    if (verdict == SP_VERDICT_GOOD) {
        int code = pam_open_session(login->pam.handle, 0);
        login->pam.has_session = code == PAM_SUCCESS;
        verdict = stage_ended(login, code);
    }
    if (verdict != SP_VERDICT_GOOD)
        pam_stack_close(login);
    return verdict;
}

void pam_stack_close(struct login *login)
{
    struct pam_stack *pam = &login->pam;
    if (!pam->handle)
        return;
    pam_stack_converse(login, CONVERSATION_SILENT, false);
    if (pam->has_session)
        pam->code = pam_close_session(pam->handle, 0);
    if (pam->has_credentials)
        (void)pam_setcred(pam->handle, PAM_DELETE_CRED);
    (void)pam_end(pam->handle, pam->code);
    pam->handle = NULL;
    pam->has_session = pam->has_credentials = false;
}

void pam_stack_tell_methods(struct login *login, const char *methods)
{
    char text[320];
    if (!login->pam.handle || !methods[0])
        return;
    snprintf(text, sizeof text, "SSH_AUTH_INFO_0=%s", methods);
    (void)pam_putenv(login->pam.handle, text);
}

const char *pam_stack_session_id(const struct login *login)
{
    const char *id = login->pam.handle ? pam_getenv(login->pam.handle, "XDG_SESSION_ID") : NULL;
    return id && strlen(id) <= 64 ? id : "";
}

char **pam_stack_environment(const struct login *login)
{
    return login->pam.handle ? pam_getenvlist(login->pam.handle) : NULL;
}
