/*
 * A PAM module that behaves as its arguments say, for tests of everything that a module may do to a login.
 * Input: arguments of the line in the service's file. Output: verdicts, prompts, and a line per call in log=FILE.
 *
 *   auth      password=P   one prompt, right if answered with P         multi    two prompts and two texts in one call
 *             rounds       two calls, one prompt each                   empty    an empty prompt
 *             text         a text before any prompt, as pam_faillock's  code     a text alone after a prompt, then on
 *             user=NAME    changes PAM_USER                             hang     never returns
 *             cred=NAME    changes PAM_USER when credentials are established
 *             control      a prompt with control characters             many     asks without end
 *             retry        asks again as long as the answer is wrong     slow     works after alice's answer, then asks on
 *   account   expired      until FILE of state=FILE exists              deny     with a text
 *             notice       a text, and yes
 *   password  (state=FILE) asks for old, new, retype; makes the file; a new password of less than 8 characters is refused
 *   session   fail         cannot be opened                             motd     a text
 *             env=N=V      sets a variable
 */
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD
#include <fcntl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *argument(int argc, const char **argv, const char *name)
{
    size_t size = strlen(name);
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], name, size) == 0 && (argv[i][size] == '=' || argv[i][size] == 0))
            return argv[i][size] ? argv[i] + size + 1 : "";
    return NULL;
}

static void note(pam_handle_t *handle, int argc, const char **argv, const char *what)
{
    const char *path = argument(argc, argv, "log");
    const void *tty = NULL, *rhost = NULL;
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    (void)pam_get_item(handle, PAM_TTY, &tty);
    (void)pam_get_item(handle, PAM_RHOST, &rhost);
    fprintf(file, "%s pid=%d uid=%d tty=%s rhost=%s\n", what, (int)getpid(), (int)geteuid(),
            tty ? (const char *)tty : "-", rhost ? (const char *)rhost : "-");
    fclose(file);
}

/* One call of the conversation with all of these messages; answers are the caller's. */
static int ask(pam_handle_t *handle, int count, const struct pam_message *messages,
               struct pam_response **responses)
{
    const struct pam_message *list[8];
    const void *item = NULL;
    for (int i = 0; i < count; i++)
        list[i] = &messages[i];
    int r = pam_get_item(handle, PAM_CONV, &item);
    const struct pam_conv *conv = item;
    return r == PAM_SUCCESS ? conv->conv(count, list, responses, conv->appdata_ptr) : r;
}

static int prompt_is(pam_handle_t *handle, const char *prompt, const char *wanted)
{
    char *answer = NULL;
    int r = pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &answer, "%s", prompt);
    if (r == PAM_SUCCESS && (!answer || strcmp(answer, wanted) != 0))
        r = PAM_AUTH_ERR;
    free(answer);
    return r;
}

static int multi(pam_handle_t *handle)
{
    const struct pam_message messages[] = {
        {PAM_TEXT_INFO, "First line"},
        {PAM_PROMPT_ECHO_ON, "Code name: "},
        {PAM_ERROR_MSG, "Second line"},
        {PAM_PROMPT_ECHO_OFF, "Secret: "},
    };
    struct pam_response *responses = NULL;
    int r = ask(handle, 4, messages, &responses);
    if (r != PAM_SUCCESS)
        return r;
    int right = responses[1].resp && responses[3].resp && !strcmp(responses[1].resp, "heron") &&
                !strcmp(responses[3].resp, "marsh") && !responses[0].resp && !responses[2].resp;
    for (int i = 0; i < 4; i++)
        free(responses[i].resp);
    free(responses);
    return right ? PAM_SUCCESS : PAM_AUTH_ERR;
}

static int code(pam_handle_t *handle)
{
    int r = prompt_is(handle, "Start? ", "go");
    if (r == PAM_SUCCESS)
        r = pam_info(handle, "Visit the page and type 1234");
    return r;
}

static int rounds(pam_handle_t *handle)
{
    int r = prompt_is(handle, "One: ", "1");
    return r == PAM_SUCCESS ? prompt_is(handle, "Two: ", "2") : r;
}

static int many(pam_handle_t *handle)
{
    int r;
    do {
        r = prompt_is(handle, "Again: ", "again");
    } while (r == PAM_SUCCESS);
    return r;
}

static int retry(pam_handle_t *handle)
{
    int r;
    do {
        r = prompt_is(handle, "Password: ", "right");
    } while (r == PAM_AUTH_ERR);
    return r;
}

/* As a module that hashes for users who exist, with another behind it that wants a code from everybody. */
static int slow(pam_handle_t *handle)
{
    const void *user = NULL;
    int r = prompt_is(handle, "Password: ", "right");
    (void)pam_get_item(handle, PAM_USER, &user);
    if (user && strcmp(user, "alice") == 0)
        usleep(120000);
    int code = prompt_is(handle, "Code: ", "1");
    return r == PAM_SUCCESS ? code : r;
}

static int hang(pam_handle_t *handle)
{
    (void)handle;
    pause();
    return PAM_AUTH_ERR;
}

static int text_first(pam_handle_t *handle)
{
    pam_info(handle, "The account is locked due to 3 failed logins");
    return prompt_is(handle, "Password: ", "right");
}

static int empty(pam_handle_t *handle)
{
    return prompt_is(handle, "", "right");
}

static int control(pam_handle_t *handle)
{
    return prompt_is(handle, "\033[2JPass\007word\302\233: ", "right");
}

static const struct {
    const char *name;
    int (*run)(pam_handle_t *handle);
} behaviours[] = {
    {"multi", multi}, {"code", code},       {"rounds", rounds}, {"many", many},
    {"hang", hang},   {"text", text_first}, {"empty", empty},   {"control", control},
    {"retry", retry}, {"slow", slow},
};

int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    const char *password = argument(argc, argv, "password"), *user = argument(argc, argv, "user");
    int r = PAM_SUCCESS;
    (void)flags;
    note(handle, argc, argv, "authenticate");
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (r == PAM_SUCCESS && argument(argc, argv, behaviours[i].name))
            r = behaviours[i].run(handle);
    if (r == PAM_SUCCESS && password)
        r = prompt_is(handle, "Password: ", password);
    if (r == PAM_SUCCESS && user)
        r = pam_set_item(handle, PAM_USER, user);
    return r;
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    bool delete = (unsigned)flags & PAM_DELETE_CRED;
    const char *user = argument(argc, argv, "cred");
    note(handle, argc, argv, delete ? "delete_cred" : "establish_cred");
    return user && !delete ? pam_set_item(handle, PAM_USER, user) : PAM_SUCCESS;
}

int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    const char *state = argument(argc, argv, "state");
    (void)flags;
    note(handle, argc, argv, "account");
    if (argument(argc, argv, "notice"))
        pam_info(handle, "Your password will expire in 3 days");
    if (argument(argc, argv, "deny")) {
        pam_error(handle, "Closed on Sundays");
        return PAM_PERM_DENIED;
    }
    return argument(argc, argv, "expired") && state && access(state, F_OK) < 0 ? PAM_NEW_AUTHTOK_REQD
                                                                               : PAM_SUCCESS;
}

int pam_sm_chauthtok(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    char *old = NULL, *fresh = NULL, *again = NULL;
    const char *state = argument(argc, argv, "state");
    if ((unsigned)flags & PAM_PRELIM_CHECK)
        return PAM_SUCCESS;
    note(handle, argc, argv, "chauthtok");
    pam_info(handle, "Changing the password");
    int r = pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &old, "Current password: ");
    if (r == PAM_SUCCESS)
        r = pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &fresh, "New password: ");
    if (r == PAM_SUCCESS)
        r = pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &again, "Retype new password: ");
    if (r == PAM_SUCCESS && (!old || strcmp(old, "right") || !fresh || !again || strcmp(fresh, again)))
        r = PAM_AUTHTOK_ERR;
    if (r == PAM_SUCCESS && strlen(fresh) < 8) {
        pam_error(handle, "BAD PASSWORD: too short");
        r = PAM_AUTHTOK_ERR;
    }
    free(old);
    free(fresh);
    free(again);
    if (r == PAM_SUCCESS && state)
        close(open(state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    return r;
}

int pam_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    const char *variable = argument(argc, argv, "env");
    (void)flags;
    note(handle, argc, argv, "open_session");
    if (variable)
        (void)pam_putenv(handle, variable);
    if (argument(argc, argv, "motd"))
        pam_info(handle, "Message of the day");
    return argument(argc, argv, "fail") ? PAM_SESSION_ERR : PAM_SUCCESS;
}

int pam_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void)flags;
    note(handle, argc, argv, "close_session");
    return PAM_SUCCESS;
}
