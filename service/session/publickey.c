/*
 * Public keys. Input: auth_publickey of the worker, verdicts of the as-user helper. Output: helper_open, helper_rules,
 * helper_check; whether the request holds.
 *
 * Why the session may believe a verdict: the helper has only what the user has, so the most that a helper taken over by
 * a hostile blob can do is what the user could: log in as that user. It is told the data to verify by this process.
 */
#include "session/publickey.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "base/loop.h"

#include "session/expand.h"
#include "session/helper.h"
#include "session/login.h"
#include "session/peers.h"
#include "session/strict_file.h"

#define ANSWER_TIMEOUT_MS 20000u /* a home directory on a server that does not answer */
#define SIGNED_DATA_MAX 32768u
#define MSG_USERAUTH_REQUEST 50

static int paths_pack(const struct login *login, struct sp_out *out)
{
    const struct config_list *files = &login->config->authorized_keys_files;
    for (size_t i = 0; i < files->count; i++) {
        char path[4096];
        if (strcmp(files->items[i], "none") == 0)
            continue;
        if (expand_path(files->items[i], &login->account, path, sizeof path))
            return -EINVAL;
        sp_put_text(out, path);
    }
    return sp_put_end(out) ? -E2BIG : 0;
}

static bool is_set(const char *path)
{
    return strcmp(path, "none") != 0;
}

static int paths_refused(struct login *login, const char *keyword)
{
    log_say(&login->log, LOG_LEVEL_ERROR, "config_refused",
            "%s: a path is too long or has an unknown %%-token", keyword);
    return -EINVAL;
}

static int helper_introduce(struct login *login)
{
    uint8_t paths[16384];
    char principals[4096] = "";
    struct sp_out out = {.data = paths, .capacity = sizeof paths};
    const struct account *account = &login->account;
    if (paths_pack(login, &out))
        return paths_refused(login, "AuthorizedKeysFile");
    const char *pattern = login->config->authorized_principals_file;
    if (is_set(pattern) && expand_path(pattern, account, principals, sizeof principals))
        return paths_refused(login, "AuthorizedPrincipalsFile");
    bool known = account->valid;
    return link_send(
        &login->publickey.helper, helper_open, .user = sp_text(account->name),
        .home = sp_text(known ? account->home : "/nonexistent"), .uid = known ? account->uid : ACCOUNT_NOBODY,
        .known = known, .strict_modes = login->config->strict_modes, .paths = sp_written(&out),
        .principals_file = sp_text(principals), .remote_address = sp_text(login->remote_address),
        .touch_required = login->rules.touch_required, .verify_required = login->rules.verify_required);
}

/* Sizes and authorities are for the helper to judge, as nobody else here looks into a key. */
static int helper_give_rules(struct login *login, enum helper_rules_kind kind,
                             const struct login_rules *rules)
{
    uint8_t sizes[sizeof rules->rsa_bits];
    struct sp_out rsa_bits = {.data = sizes, .capacity = sizeof sizes};
    for (size_t i = 0; i < rules->rsa_bits_count; i++)
        sp_put_u32(&rsa_bits, rules->rsa_bits[i]);
    return link_send(&login->publickey.helper, helper_rules, .kind = kind,
                     .rsa_bits_min = rules->rsa_bits_min, .rsa_bits = sp_written(&rsa_bits),
                     .ec_bits_min = rules->ec_bits_min, .ca_algorithms = sp_text(rules->ca_key_algorithms));
}

static int helper_give_all_rules(struct login *login)
{
    int r = helper_give_rules(login, HELPER_RULES_IN_FORCE, &login->rules);
    if (r || !login->reported.known)
        return r;
    return helper_give_rules(login, HELPER_RULES_REPORTED, &login->reported);
}

/*
 * A file of the administrator's, opened by root because it may be root's alone to read, and read by the helper. Root and
 * nobody else may have written it: otherwise whoever could would decide who comes in.
 */
static int helper_give_file(struct login *login, const char *keyword, const char *path,
                            enum helper_file_kind kind)
{
    static const struct strict_file_rules rules = {.strict_modes = true, .uid = 0, .home = "/"};
    CLEANUP_CLOSE int fd = -1;
    char why[512] = "";
    if (!is_set(path))
        return 0;
    int r = strict_file_open(path, &rules, &fd, why, sizeof why);
    if (r) {
        log_say(&login->log, LOG_LEVEL_ERROR, "keys_file_refused", "%s %s: %s", keyword, path,
                r < 0 ? strerror(-r) : why);
        return r < 0 ? r : -EPERM;
    }
    return link_send_with(&login->publickey.helper, &fd, 1, helper_file, .kind = kind, .path = sp_text(path));
}

/* Without its list of authorities a login goes on, as none of them counts then. Without knowing what is revoked no key can be
 * accepted (sshd_config(5) RevokedKeys). */
static int helper_give_files(struct login *login)
{
    const struct config *config = login->config;
    (void)!helper_give_file(login, "TrustedUserCAKeys", config->trusted_user_ca_keys, HELPER_FILE_TRUSTED);
    return helper_give_file(login, "RevokedKeys", config->revoked_keys, HELPER_FILE_REVOKED);
}

static int helper_ready(struct login *login)
{
    struct publickey *p = &login->publickey;
    if (link_is_open(&p->helper))
        return 0;
    if (p->failed)
        return -EIO;
    p->failed = true; /* until all of it has worked; it is not tried a second time */
    int fd = helper_start(&login->account, &p->pid);
    if (fd < 0) {
        log_say(&login->log, LOG_LEVEL_ERROR, "helper_failed", "the as-user helper does not start: %s",
                strerror(-fd));
        return fd;
    }
    link_init(&p->helper, fd, ROLE_SESSION, ROLE_HELPER);
    int r = helper_introduce(login);
    if (r == 0)
        r = helper_give_all_rules(login);
    if (r == 0)
        r = helper_give_files(login);
    p->failed = r != 0;
    return r ? -EIO : 0;
}

/* RFC 4252 section 7. Everything but the algorithm and the blob is this process's own knowledge. */
static int signed_data(const struct login *login, const struct msg_auth_publickey *request,
                       struct sp_out *out)
{
    sp_put_string(out, sp_span_of(login->session_id, login->session_id_size)); /* session identifier */
    sp_put_u8(out, MSG_USERAUTH_REQUEST);
    sp_put_text(out, login->user);      /* user name */
    sp_put_text(out, "ssh-connection"); /* service name */
    sp_put_text(out, request->hostbound ? "publickey-hostbound-v00@openssh.com" : "publickey");
    sp_put_bool(out, true);
    sp_put_string(out, request->algorithm); /* public key algorithm name */
    sp_put_string(out, request->blob);      /* public key */
    if (request->hostbound)
        sp_put_string(out, sp_span_of(login->host_key, login->host_key_size));
    return sp_put_end(out) ? -E2BIG : 0;
}

static int refuse(struct publickey_result *result, const char *why)
{
    snprintf(result->detail, sizeof result->detail, "%s", why);
    return PUBLICKEY_E_BAD;
}

static int request_check(const struct login *login, const struct msg_auth_publickey *request,
                         struct publickey_result *result)
{
    if (!sp_list_has(sp_text(login->rules.user_key_algorithms), request->algorithm)) {
        char origin[LOGIN_RULES_ORIGIN_MAX];
        snprintf(
            result->detail, sizeof result->detail, LOGIN_RULES_USER_KEYS "%s",
            login_rules_origin(&login->rules, sp_text(LOGIN_RULES_USER_KEYS), request->algorithm, origin));
        return PUBLICKEY_E_BAD;
    }
    if (request->hostbound &&
        !sp_span_equal(request->host_key, sp_span_of(login->host_key, login->host_key_size)))
        return refuse(result, "bound to another host key");
    return 0;
}

static int helper_ask(struct login *login, const struct msg_auth_publickey *request)
{
    uint8_t data[SIGNED_DATA_MAX];
    struct sp_out out = {.data = data, .capacity = sizeof data};
    int r = signed_data(login, request, &out);
    if (r)
        return r;
    return link_send(&login->publickey.helper, helper_check, .algorithm = request->algorithm,
                     .blob = request->blob, .signed_request = request->signed_request,
                     .signature = request->signature, .data = sp_written(&out));
}

static int helper_answer(struct login *login)
{
    struct publickey *p = &login->publickey;
    int r = peers_receive_from(login, &p->helper, login->side, clock_ms() + ANSWER_TIMEOUT_MS);
    if (r == 0 || r == LOGIN_E_GONE)
        return r;
    log_say(&login->log, LOG_LEVEL_ERROR, "helper_failed", "the as-user helper %s",
            r == LINK_E_AGAIN     ? "does not answer"
            : r == LINK_E_ILLEGAL ? link_complaint(&p->helper)
                                  : "has died");
    publickey_free(login);
    p->failed = true;
    return -EIO;
}

static bool is_used(const struct publickey *p, const char *fingerprint)
{
    for (size_t i = 0; i < p->used_count; i++)
        if (strcmp(p->used[i], fingerprint) == 0)
            return true;
    return false;
}

/* Why the helper refuses, which line of which file has it so, and which certificate it was. */
static void detail_take(const struct login *login, const struct msg_helper_verdict *verdict,
                        struct publickey_result *result)
{
    char origin[LOGIN_RULES_ORIGIN_MAX];
    bool both = verdict->detail.size && verdict->certificate.size;
    snprintf(result->detail, sizeof result->detail, "%.*s%s%s%.*s", (int)verdict->detail.size,
             (const char *)verdict->detail.data,
             login_rules_origin(&login->rules, verdict->rule, verdict->algorithm, origin), both ? "; " : "",
             (int)verdict->certificate.size, (const char *)verdict->certificate.data);
}

static int verdict_take(struct login *login, struct publickey_result *result)
{
    const struct msg_helper_verdict *verdict = &login->side->body.helper_verdict;
    snprintf(result->fingerprint, sizeof result->fingerprint, "%.*s", (int)verdict->fingerprint.size,
             (const char *)verdict->fingerprint.data);
    detail_take(login, verdict, result);
    result->reported_rule = verdict->reported_rule;
    result->reported_algorithm = verdict->reported_algorithm;
    result->reported_detail = verdict->reported_detail;
    result->unlisted = verdict->unlisted;
    result->options = verdict->options;
    if (is_used(&login->publickey, result->fingerprint))
        return refuse(result, "this key was already used for an earlier step");
    if (verdict->accepted != SP_VERDICT_GOOD)
        return PUBLICKEY_E_BAD;
    const struct msg_auth_publickey *request = &login->inbox->body.auth_publickey;
    if (request->signed_request && sp_list_has(sp_text(login->rules.user_key_exceptions), request->algorithm))
        log_say(&login->log, LOG_LEVEL_INFO, "policy_exception",
                "PubkeyAcceptedAlgorithms: %.*s is accepted by an exception", (int)request->algorithm.size,
                (const char *)request->algorithm.data);
    return 0;
}

int publickey_check(struct login *login, struct publickey_result *result)
{
    const struct msg_auth_publickey *request = &login->inbox->body.auth_publickey;
    int r = request_check(login, request, result);
    if (r)
        return r;
    r = helper_ready(login);
    if (r == 0)
        r = helper_ask(login, request);
    if (r)
        return r < 0 ? r : -EIO;
    r = helper_answer(login);
    return r ? r : verdict_take(login, result);
}

void publickey_used(struct login *login, const char *fingerprint)
{
    struct publickey *p = &login->publickey;
    if (p->used_count < METHODS_CHAIN_MAX)
        snprintf(p->used[p->used_count++], sizeof p->used[0], "%s", fingerprint);
}

void publickey_free(struct login *login)
{
    struct publickey *p = &login->publickey;
    link_close(&p->helper);
    helper_stop(&p->pid);
}
