/*
 * The methods. Input: a request in login->inbox. Output: whether its credential is right. RFC 4252 sections 5.2, 7
 * and 8, RFC 4256.
 */
#include "session/auth_method.h"

#include <stdio.h>

#include "session/audit.h"
#include "session/key_kind.h"
#include "session/login.h"

/*
 * Longer than what a module takes for any user (hashing a password: 60 to 80 ms; a lookup on a server: more), so that
 * those who are hashed for and those who are not are answered in the same quantum. Keys: no hashing, but the start of the
 * helper, some 10 ms, and a file or none. Nothing: nothing but looking the user up.
 */
#define QUANTUM_PASSWORD_MS 1000u
#define QUANTUM_KEY_MS 30u
#define QUANTUM_NOTHING_MS 10u

/* "none" shows nothing and passes never: PermitEmptyPasswords is for the methods that ask PAM. */
static enum auth_outcome try_none(struct login *login, struct attempt *attempt)
{
    (void)login;
    snprintf(attempt->detail, sizeof attempt->detail, "no credential");
    return OUTCOME_FAILED;
}

static enum auth_outcome try_unknown(struct login *login, struct attempt *attempt)
{
    const struct msg_auth_unknown *request = &login->inbox->body.auth_unknown;
    snprintf(attempt->detail, sizeof attempt->detail, "unknown method %.*s", (int)request->method.size,
             (const char *)request->method.data);
    return OUTCOME_FAILED;
}

/* How a stage of PAM ended, for the caller of a method. */
static enum auth_outcome stage_outcome(struct login *login, struct attempt *attempt, enum sp_verdict verdict)
{
    const struct conversation *c = &login->pam.conversation;
    snprintf(attempt->detail, sizeof attempt->detail, "%s", verdict == SP_VERDICT_GOOD ? "" : login->pam.why);
    if (c->heard_ms)
        login->auth.asked_ms = c->heard_ms;
    attempt->ended = c->ended;
    if (c->ended)
        return OUTCOME_ENDED;
    if (c->replaced)
        return OUTCOME_REPLACED;
    return verdict == SP_VERDICT_GOOD ? OUTCOME_PASSED : OUTCOME_FAILED;
}

/* With the right credentials of somebody who may not come in, PAM would behave differently; so it never sees them. */
static bool is_honest(const struct login *login, enum method method)
{
    return account_may_use(&login->account, login->config, method_name(method), false);
}

static enum auth_outcome try_password(struct login *login, struct attempt *attempt)
{
    const struct msg_auth_password *request = &login->inbox->body.auth_password;
    if (pam_stack_start(login))
        return OUTCOME_FAILED;
    pam_stack_converse(login, CONVERSATION_PASSWORD, is_honest(login, METHOD_PASSWORD));
    login->pam.conversation.password = request->password;
    enum auth_outcome outcome = stage_outcome(login, attempt, pam_stack_authenticate(login));
    if (outcome == OUTCOME_PASSED && login->pam.conversation.texts[0])
        text_add_line(login->auth.texts, sizeof login->auth.texts, login->pam.conversation.texts);
    return outcome;
}

/* A key was right, and the password behind the account has expired: the dialogue changes it and does nothing else. */
static enum auth_outcome try_keyboard_interactive(struct login *login, struct attempt *attempt)
{
    if (login->auth.change_due)
        return OUTCOME_PASSED;
    if (pam_stack_start(login))
        return OUTCOME_FAILED;
    pam_stack_converse(login, CONVERSATION_DIALOGUE, is_honest(login, METHOD_KEYBOARD_INTERACTIVE));
    return stage_outcome(login, attempt, pam_stack_authenticate(login));
}

static enum auth_outcome query_answer(struct login *login, struct attempt *attempt)
{
    const struct msg_auth_publickey *request = &login->inbox->body.auth_publickey;
    attempt->ended =
        link_send(&login->worker, auth_pk_ok, .algorithm = request->algorithm, .blob = request->blob)
            ? LOGIN_E_GONE
            : 0;
    return attempt->ended ? OUTCOME_ENDED : OUTCOME_ANSWERED;
}

/* RFC 4252 section 7: a query is answered, and nothing follows from it. */
static enum auth_outcome try_query(struct login *login, struct attempt *attempt, int checked)
{
    attempt->counted = false;
    if (++login->auth.queries > AUTH_QUERIES_MAX) {
        attempt->counted = true;
        snprintf(attempt->detail, sizeof attempt->detail, "too many queries");
        return OUTCOME_FAILED;
    }
    if (checked || !login->account.valid)
        return OUTCOME_FAILED;
    return query_answer(login, attempt);
}

static enum auth_outcome try_signature(struct login *login, struct attempt *attempt,
                                       const struct publickey_result *result)
{
    attempt->forced = restrictions_force_command(result->options);
    if (!account_may_use(&login->account, login->config, "publickey",
                         attempt->forced || strcmp(login->config->force_command, "none") != 0))
        return OUTCOME_FAILED;
    /* The only place where a key's permissions enter the session, and only with the signature verified. */
    if (restrictions_merge(&login->restrictions, result->options)) {
        snprintf(attempt->detail, sizeof attempt->detail,
                 "%s: its restrictions contradict those of an earlier key", result->fingerprint);
        return OUTCOME_FAILED;
    }
    publickey_used(login, result->fingerprint);
    audit_key(login, result->fingerprint, login->inbox->body.auth_publickey.algorithm);
    report_key(login, result, &attempt->report);
    return OUTCOME_PASSED;
}

/* Clients ask first and do not try what they were refused, so that otherwise nobody would learn which rule it was. Said
 * alike for users that do not exist; AUTH_QUERIES_MAX bounds it. */
static void query_refused(struct login *login, const struct attempt *attempt,
                          const struct publickey_result *result)
{
    if (!result->unlisted)
        log_say(&login->log, LOG_LEVEL_INFO, "key_refused", "%s", attempt->detail);
}

static enum auth_outcome try_publickey(struct login *login, struct attempt *attempt)
{
    struct publickey_result result = {0};
    bool query = !login->inbox->body.auth_publickey.signed_request;
    int r = publickey_check(login, &result);
    bool both = result.fingerprint[0] && result.detail[0];
    snprintf(attempt->detail, sizeof attempt->detail, "%s%s%s%s%.870s%s",
             result.fingerprint[0] ? key_kind(login->inbox->body.auth_publickey.algorithm) : "",
             result.fingerprint[0] ? " " : "", result.fingerprint, both ? " (" : "", result.detail,
             both ? ")" : "");
    if (r == LOGIN_E_GONE) {
        attempt->ended = r;
        return OUTCOME_ENDED;
    }
    if (query && r > 0 && login->auth.queries < AUTH_QUERIES_MAX)
        query_refused(login, attempt, &result);
    if (query)
        return try_query(login, attempt, r);
    return r ? OUTCOME_FAILED : try_signature(login, attempt, &result);
}

static const struct auth_method_row rows[] = {
    {MSG_auth_none, METHOD_NONE, QUANTUM_NOTHING_MS, false, try_none},
    {MSG_auth_unknown, METHOD_NONE, QUANTUM_NOTHING_MS, true, try_unknown},
    {MSG_auth_publickey, METHOD_PUBLICKEY, QUANTUM_KEY_MS, true, try_publickey},
    {MSG_auth_password, METHOD_PASSWORD, QUANTUM_PASSWORD_MS, true, try_password},
    {MSG_auth_keyboard_interactive, METHOD_KEYBOARD_INTERACTIVE, QUANTUM_PASSWORD_MS, true,
     try_keyboard_interactive},
};

const struct auth_method_row *auth_method_find(unsigned number)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}
