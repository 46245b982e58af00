/*
 * Admission. Input: a login whose credentials are right. Output: login_succeeded to the monitor, then auth_success to
 * the worker; or the reason why not. The session is open before the client is told, so that no login goes on without.
 */
#include "session/admit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/loop.h"

#include "session/audit.h"
#include "session/auth_method.h"
#include "session/login.h"
#include "session/peers.h"

/* RFC 4253 section 11.1. */
#define DISCONNECT_BY_APPLICATION 11u
#define SETTLE_MS 10u /* between looks at a link that is full */

int login_over(struct login *login, unsigned reason, const char *text)
{
    (void)!link_send(&login->worker, auth_over, .reason = reason, .text = sp_text(text));
    return LOGIN_E_OVER;
}

int texts_show(struct login *login)
{
    char *texts = login->auth.texts;
    bool empty = texts[strspn(texts, " \t\n")] == 0;
    int r = empty ? 0 : link_send(&login->worker, auth_banner, .text = sp_text(texts));
    texts[0] = 0;
    return r ? LOGIN_E_GONE : 0;
}

/* Moves what the conversation kept to what will be shown. */
static void texts_keep(struct login *login)
{
    if (login->pam.conversation.texts[0])
        text_add_line(login->auth.texts, sizeof login->auth.texts, login->pam.conversation.texts);
    login->pam.conversation.texts[0] = 0;
}

static void attempt_report(struct login *login, const struct attempt *attempt, enum login_result result)
{
    (void)!link_send(&login->monitor, login_attempt, .method = sp_text(attempt->name),
                     .result = (uint8_t)result, .detail = sp_text(attempt->detail));
}

static enum admit_result refuse(struct login *login, struct attempt *attempt, const char *stage,
                                const char *text)
{
    snprintf(attempt->detail, sizeof attempt->detail, "%s: %s", stage, login->pam.why);
    attempt_report(login, attempt, LOGIN_DENIED);
    audit_login(login, false);
    if (texts_show(login) == 0)
        attempt->ended = login_over(login, DISCONNECT_BY_APPLICATION, text);
    else
        attempt->ended = LOGIN_E_GONE;
    return ADMIT_REFUSED;
}

/* Who can be asked during account management: only a dialogue has anybody to ask. */
static void converse_for_account(struct login *login, const struct attempt *attempt)
{
    bool dialogue = attempt->method == METHOD_KEYBOARD_INTERACTIVE;
    pam_stack_converse(login, dialogue ? CONVERSATION_DIALOGUE : CONVERSATION_SILENT, true);
}

static enum admit_result interrupted(const struct login *login, struct attempt *attempt)
{
    const struct conversation *c = &login->pam.conversation;
    attempt->ended = c->ended;
    if (c->ended)
        return ADMIT_ENDED;
    if (c->replaced)
        return ADMIT_REPLACED;
    return ADMIT_FAILED;
}

/* RFC 4252 section 8: the client asks for a new password and comes again with both. */
static enum admit_result password_change_ask(struct login *login, struct attempt *attempt)
{
    char prompt[1024];
    snprintf(prompt, sizeof prompt, "%.900s%s", login->auth.texts,
             "Your password has expired and must be changed now.\n");
    login->auth.texts[0] = 0;
    attempt->ended =
        link_send(&login->worker, auth_passwd_changereq, .prompt = sp_text(prompt)) ? LOGIN_E_GONE : 0;
    return attempt->ended ? ADMIT_ENDED : ADMIT_WAITS;
}

static enum admit_result password_change(struct login *login, struct attempt *attempt)
{
    const struct msg_auth_password *request = &login->inbox->body.auth_password;
    if (!request->change)
        return password_change_ask(login, attempt);
    pam_stack_converse(login, CONVERSATION_CHANGE, true);
    login->pam.conversation.password = request->password;
    login->pam.conversation.new_password = request->new_password;
    enum sp_verdict verdict = pam_stack_change(login);
    texts_keep(login);
    if (verdict == SP_VERDICT_GOOD)
        return ADMIT_DONE;
    /* Not acceptable as a new one (too short, the old one again): RFC 4252 has the server ask once more. */
    return password_change_ask(login, attempt);
}

static enum admit_result dialogue_change(struct login *login, struct attempt *attempt)
{
    pam_stack_converse(login, CONVERSATION_DIALOGUE, true);
    if (pam_stack_change(login) == SP_VERDICT_GOOD)
        return ADMIT_DONE;
    return interrupted(login, attempt);
}

/* A key cannot change a password: the client is led to a dialogue that can. */
static enum admit_result key_change(struct login *login, struct attempt *attempt)
{
    if (!login->config->kbd_interactive_authentication ||
        !login_rules_allow_method(&login->rules, method_name(METHOD_KEYBOARD_INTERACTIVE))) {
        snprintf(login->pam.why, sizeof login->pam.why, "the password has expired, and %s",
                 login->config->kbd_interactive_authentication ? LOGIN_RULES_METHODS
                     " has no keyboard-interactive"
                                                               : "KbdInteractiveAuthentication is off");
        return refuse(login, attempt, "account", "Your password has expired and must be changed first.");
    }
    login->auth.change_due = true;
    attempt_report(login, attempt, LOGIN_PARTIAL);
    if (texts_show(login) == 0 && link_send(&login->worker, auth_failure,
                                            .methods = sp_text("keyboard-interactive"), .partial = true) == 0)
        return ADMIT_WAITS;
    attempt->ended = LOGIN_E_GONE;
    return ADMIT_ENDED;
}

static enum admit_result expired_change(struct login *login, struct attempt *attempt)
{
    static enum admit_result (*const changes[METHOD_COUNT])(struct login *, struct attempt *) = {
        [METHOD_PUBLICKEY] = key_change,
        [METHOD_PASSWORD] = password_change,
        [METHOD_KEYBOARD_INTERACTIVE] = dialogue_change,
    };
    return changes[attempt->method](login, attempt);
}

/* ADMIT_DONE: the account may log in now. */
static enum admit_result account_admit(struct login *login, struct attempt *attempt)
{
    if (pam_stack_start(login))
        return refuse(login, attempt, "pam_start", "This server cannot ask its account system.");
    converse_for_account(login, attempt);
    enum sp_verdict verdict = pam_stack_account(login);
    texts_keep(login);
    if (verdict == SP_VERDICT_GOOD)
        return ADMIT_DONE;
    if (login->pam.conversation.ended || login->pam.conversation.replaced)
        return interrupted(login, attempt);
    if (login->pam.expired)
        return expired_change(login, attempt);
    return refuse(login, attempt, "account", "Access denied by the account rules of this system.");
}

static enum admit_result session_open(struct login *login, struct attempt *attempt)
{
    pam_stack_converse(login, CONVERSATION_SILENT, true);
    enum sp_verdict verdict = pam_stack_open_session(login);
    if (verdict == SP_VERDICT_GOOD) /* its texts are for the terminal: programs.c shows them */
        return ADMIT_DONE;
    texts_keep(login);
    return refuse(login, attempt, "session", "Your session could not be opened.");
}

/* Waits until the monitor's socket has taken everything that was said to it. */
static int monitor_settle(struct login *login)
{
    int r = 0;
    while (r == 0 && link_wants_write(&login->monitor))
        r = peers_sleep(login, clock_ms() + SETTLE_MS);
    return r;
}

/* login_succeeded goes first: the monitor must never hear of a login from the worker before it hears it from here. */
static int success_tell(struct login *login, const char *passed)
{
    const struct config *config = login->config;
    if (link_send(&login->monitor, login_succeeded, .user = sp_text(login->user), .uid = login->account.uid,
                  .methods = sp_text(passed), .pid = (uint32_t)getpid(),
                  .session = sp_text(pam_stack_session_id(login))))
        return LOGIN_E_GONE;
    int r = monitor_settle(login);
    if (r)
        return r;
    return link_send(&login->worker, auth_success, .max_channels = config->max_sessions,
                     .alive_interval_s = config->client_alive_interval_s,
                     .alive_count_max = config->client_alive_count_max, .rekey_octets = config->rekey_octets,
                     .rekey_s = config->rekey_s)
               ? LOGIN_E_GONE
               : 0;
}

enum admit_result admit(struct login *login, struct attempt *attempt, const char *passed)
{
    pam_stack_tell_methods(login, passed);
    enum admit_result result = account_admit(login, attempt);
    if (result == ADMIT_DONE)
        result = session_open(login, attempt);
    if (result != ADMIT_DONE)
        return result;
    attempt_report(login, attempt, LOGIN_ACCEPTED);
    audit_login(login, true);
    attempt->ended = texts_show(login);
    if (attempt->ended == 0)
        attempt->ended = success_tell(login, passed);
    return attempt->ended ? ADMIT_ENDED : ADMIT_DONE;
}
