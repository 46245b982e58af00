/*
 * The PAM stack of one login: one handle in one process, from pam_start() to pam_end(), so that what modules keep with
 * pam_set_data() reaches the later stages. pam(3).
 *
 * Success of each stage is one value, SP_VERDICT_GOOD, set in one place. After every stage PAM_USER is compared with
 * the name that this login is for: a module that changes it has logged in somebody else, and that is refused.
 */
#pragma once

#include <sallyport/types.h>
#include <sys/types.h>

#include "base/util.h"

#include "session/conversation.h"

struct login;
struct pam_handle;

struct pam_stack {
    struct pam_handle *handle; /* NULL: not started */
    struct conversation conversation;
    bool has_credentials;
    bool has_session;
    bool expired;  /* pam_stack_account(): the password has to be changed first */
    int code;      /* of the last stage, for the log */
    char why[160]; /* the same in words */
};

/* Starts the stack of PAMServiceName if that was not done yet: its modules are loaded, nothing is asked. */
int pam_stack_start(struct login *login) MUST_USE;

/* Sets up login->pam.conversation for the next stage. honest: see conversation.h. */
void pam_stack_converse(struct login *login, enum conversation_mode mode, bool honest);

enum sp_verdict pam_stack_authenticate(struct login *login) MUST_USE;
/* Not good and `expired`: pam_stack_change() is what can help. */
enum sp_verdict pam_stack_account(struct login *login) MUST_USE;
enum sp_verdict pam_stack_change(struct login *login) MUST_USE;
/* Groups, credentials and the session, as root. On failure what was begun is undone. */
enum sp_verdict pam_stack_open_session(struct login *login) MUST_USE;
void pam_stack_close(struct login *login);

/* SSH_AUTH_INFO_0 for modules that ask what was passed before: "publickey,password". */
void pam_stack_tell_methods(struct login *login, const char *methods);
/* What pam_systemd calls the session, as loginctl(1) knows it; "" if nobody named it, or with more than 64 octets. PAM's. */
const char *pam_stack_session_id(const struct login *login);
/* Environment that modules made: "NAME=value", NULL at the end, all owned by the caller. NULL if there is none. */
char **pam_stack_environment(const struct login *login);
