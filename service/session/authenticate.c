/*
 * The order of authentication. Input: the worker's requests. Output: exactly one answer to each, and login_attempt to
 * the monitor for each that tried a credential. RFC 4252 sections 5 and 6.
 */
#include "session/authenticate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/loop.h"

#include "session/admit.h"
#include "session/audit.h"
#include "session/auth_method.h"
#include "session/login.h"
#include "session/peers.h"

#define DISCONNECT_PROTOCOL_ERROR 2u /* what sshd says, too, for too many failures */
#define BANNER_MAX 16384u

/* What the configuration switches on, less what the rules forbid. */
static unsigned methods_enabled(const struct login *login)
{
    const bool on[METHOD_COUNT] = {
        [METHOD_PUBLICKEY] = login->config->pubkey_authentication,
        [METHOD_PASSWORD] = login->config->password_authentication,
        [METHOD_KEYBOARD_INTERACTIVE] = login->config->kbd_interactive_authentication,
    };
    unsigned enabled = 0;
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        if (on[m] && login_rules_allow_method(&login->rules, method_name((enum method)m)))
            enabled |= 1u << m;
    return enabled;
}

void authenticate_prepare(struct login *login)
{
    const struct config *config = login->config;
    char error[256] = "";
    unsigned enabled = methods_enabled(login);
    if (methods_parse(&config->authentication_methods, enabled, &login->auth.methods, error, sizeof error)) {
        login->auth.unusable = true;
        log_say(&login->log, LOG_LEVEL_ERROR, "config_refused", "%s", error);
    }
}

/* Once, before the first answer. Read by root, which may: the file is named by the administrator. */
static int banner_send(struct login *login)
{
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size = 0;
    struct stat st;
    const char *path = login->config->banner;
    if (login->auth.banner_sent || strcmp(path, "none") == 0)
        return 0;
    login->auth.banner_sent = true;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
    if (r == 0)
        r = fd_read_all(fd, BANNER_MAX, &text, &size);
    if (r) {
        log_say(&login->log, LOG_LEVEL_WARNING, "banner_failed", "%s: %s", path, strerror(-r));
        return 0;
    }
    size = strnlen((const char *)text, size);
    return size && link_send(&login->worker, auth_banner, .text = sp_span_of(text, size)) ? LOGIN_E_GONE : 0;
}

static void attempt_report(struct login *login, const struct attempt *attempt, enum login_result result)
{
    if (result == LOGIN_FAILED && !login->account.valid)
        result = LOGIN_INVALID_USER;
    (void)!link_send(&login->monitor, login_attempt, .method = sp_text(attempt->name),
                     .result = (uint8_t)result, .detail = sp_text(attempt->detail));
}

/* Said before anything is answered, so that a client that asks and goes has left its trace. Names that nobody has, and
 * users whom a rule keeps out, are told apart here alone: the client sees no difference. */
static void account_report(struct login *login)
{
    const struct account *account = &login->account;
    if (account->valid)
        return;
    (void)!link_send(&login->monitor, login_attempt,
                     .result = account->exists ? LOGIN_NOT_ALLOWED : LOGIN_INVALID_USER,
                     .detail = sp_text(account->reason));
    audit_login(login, false);
}

static int too_many(struct login *login)
{
    (void)!link_send(&login->monitor, login_attempt, .result = LOGIN_TOO_MANY);
    audit_login(login, false);
    return login_over(login, DISCONNECT_PROTOCOL_ERROR, "Too many authentication failures");
}

static int failure_send(struct login *login, bool partial)
{
    char list[METHODS_TEXT_MAX];
    unsigned next =
        login->auth.change_due ? 1u << METHOD_KEYBOARD_INTERACTIVE : methods_next(&login->auth.methods);
    methods_list(next, list);
    return link_send(&login->worker, auth_failure, .methods = sp_text(list), .partial = partial)
               ? LOGIN_E_GONE
               : 0;
}

static int attempt_failed(struct login *login, struct attempt *attempt, unsigned quantum_ms)
{
    if (!login->account.valid)
        snprintf(attempt->detail, sizeof attempt->detail, "%s", login->account.reason);
    if (attempt->counted) {
        login->auth.failures++;
        attempt_report(login, attempt, LOGIN_FAILED);
        audit_attempt(login, attempt->method, false);
    }
    login->auth.texts[0] = 0;
    int r = peers_sleep_quantum(login, login->auth.asked_ms, quantum_ms);
    if (r)
        return r;
    if (login->auth.failures >= login->config->max_auth_tries)
        return too_many(login);
    return failure_send(login, false);
}

static void passed_append(const struct login *login, enum method method, char *text, size_t size)
{
    const char *before = login->auth.passed;
    snprintf(text, size, "%.200s%s%s", before, before[0] ? "," : "", method_name(method));
}

static int attempt_partial(struct login *login, const struct attempt *attempt)
{
    char passed[sizeof login->auth.passed];
    passed_append(login, attempt->method, passed, sizeof passed);
    memcpy(login->auth.passed, passed, sizeof passed);
    methods_advance(&login->auth.methods, attempt->method);
    pam_stack_tell_methods(login, passed);
    attempt_report(login, attempt, LOGIN_PARTIAL);
    return failure_send(login, true);
}

/* The credentials are complete. Sets *pending if the client has replaced the request in the middle of a dialogue. */
static int attempt_complete(struct login *login, struct attempt *attempt, const struct auth_method_row *row,
                            bool *pending)
{
    char passed[sizeof login->auth.passed];
    passed_append(login, attempt->method, passed, sizeof passed);
    switch (admit(login, attempt, passed)) {
    case ADMIT_DONE:
        login->auth.state = AUTH_DONE;
        return 0;
    case ADMIT_WAITS: /* not counted, as the credentials were right; AUTH_REQUESTS_MAX bounds it */
        if (login->auth.change_due)
            memcpy(login->auth.passed, passed, sizeof passed);
        return 0;
    case ADMIT_FAILED:
        if (login->pam.conversation.heard_ms)
            login->auth.asked_ms = login->pam.conversation.heard_ms;
        return attempt_failed(login, attempt, row->quantum_ms);
    case ADMIT_REPLACED:
        *pending = true;
        return 0;
    case ADMIT_REFUSED:
    case ADMIT_ENDED:
        break;
    }
    return attempt->ended ? attempt->ended : LOGIN_E_OVER;
}

static bool attempt_is_admissible(const struct login *login, const struct attempt *attempt)
{
    bool forced = attempt->forced || strcmp(login->config->force_command, "none") != 0;
    /* The last line of defence: nobody passes who may not, whatever PAM or a helper has said. */
    return !login->auth.unusable && account_may_use(&login->account, login->config, attempt->name, forced);
}

static int attempt_passed(struct login *login, struct attempt *attempt, const struct auth_method_row *row,
                          bool *pending)
{
    if (login->auth.change_due ? attempt->method != METHOD_KEYBOARD_INTERACTIVE
                               : !attempt_is_admissible(login, attempt))
        return attempt_failed(login, attempt, row->quantum_ms);
    audit_attempt(login, attempt->method, true);
    report_send(login, attempt->name, &attempt->report);
    if (login->auth.change_due || methods_would_complete(&login->auth.methods, attempt->method))
        return attempt_complete(login, attempt, row, pending);
    return attempt_partial(login, attempt);
}

/* The client has begun anew in the middle of a dialogue. If it has answered a prompt it has guessed: a module that asks
 * again after a wrong answer would otherwise take guesses that nobody counts. */
static int attempt_replaced(struct login *login, struct attempt *attempt, bool *pending)
{
    if (login->pam.conversation.answered) {
        snprintf(attempt->detail, sizeof attempt->detail, "abandoned after an answer");
        login->auth.failures++;
        attempt_report(login, attempt, LOGIN_FAILED);
    }
    if (login->auth.failures >= login->config->max_auth_tries)
        return too_many(login);
    *pending = true;
    return 0;
}

static bool method_is_offered(const struct login *login, const struct auth_method_row *row)
{
    unsigned next =
        login->auth.change_due ? 1u << METHOD_KEYBOARD_INTERACTIVE : methods_next(&login->auth.methods);
    return row->method == METHOD_NONE || (next & (1u << row->method));
}

static void method_refused(const struct login *login, const struct auth_method_row *row,
                           struct attempt *attempt)
{
    char origin[LOGIN_RULES_ORIGIN_MAX];
    if (row->method == METHOD_NONE || login_rules_allow_method(&login->rules, attempt->name))
        snprintf(attempt->detail, sizeof attempt->detail, "not offered");
    else
        snprintf(
            attempt->detail, sizeof attempt->detail, LOGIN_RULES_METHODS ": %s is not allowed%s",
            attempt->name,
            login_rules_origin(&login->rules, sp_text(LOGIN_RULES_METHODS), (struct sp_span){0}, origin));
}

static int request_serve(struct login *login, const struct auth_method_row *row, bool *pending)
{
    struct attempt attempt = {
        .method = row->method, .name = method_name(row->method), .counted = row->counted};
    enum auth_outcome outcome = OUTCOME_FAILED;
    if (method_is_offered(login, row))
        outcome = row->try(login, &attempt);
    else
        method_refused(login, row, &attempt);
    switch (outcome) {
    case OUTCOME_FAILED:
        return attempt_failed(login, &attempt, row->quantum_ms);
    case OUTCOME_PASSED:
        return attempt_passed(login, &attempt, row, pending);
    case OUTCOME_ANSWERED:
        return 0;
    case OUTCOME_REPLACED:
        return attempt_replaced(login, &attempt, pending);
    case OUTCOME_ENDED:
        break;
    }
    return attempt.ended ? attempt.ended : LOGIN_E_OVER;
}

/* The next request: the one that has replaced a dialogue, or the next that arrives. */
static int request_next(struct login *login, bool pending, const struct auth_method_row **row)
{
    int r = pending ? 0 : peers_receive(login);
    if (r)
        return r;
    *row = auth_method_find(login->inbox->row->number);
    if (!*row) {
        log_say(&login->log, LOG_LEVEL_ERROR, "worker_illegal", "worker sent %s while nothing was asked",
                login->inbox->row->name);
        return LOGIN_E_OVER;
    }
    /* The first was sent before this process began: looking the user up is part of what its answer must not tell. */
    login->auth.asked_ms = login->auth.requests == 0 ? login->began_ms : clock_ms();
    if (++login->auth.requests > AUTH_REQUESTS_MAX)
        return login_over(login, DISCONNECT_PROTOCOL_ERROR, "Too many authentication requests");
    return banner_send(login);
}

int authenticate_run(struct login *login)
{
    bool pending = false, reported = false;
    while (login->auth.state != AUTH_DONE) {
        const struct auth_method_row *row;
        int r = request_next(login, pending, &row);
        pending = false;
        if (r == 0 && !reported)
            account_report(login); /* in the time that the answer takes for everybody */
        reported = true;
        if (r == 0)
            r = request_serve(login, row, &pending);
        if (!pending)
            link_inbox_wipe(login->inbox); /* it may have held a password */
        if (r)
            return r;
    }
    return 0;
}
