/*
 * The login process. Input: three descriptors and open_login. Output: a user's session, or none.
 */
#include "session/login.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/loop.h"

#include "session/audit.h"
#include "session/peers.h"
#include "session/programs.h"

#define OPEN_TIMEOUT_MS 10000 /* the monitor sends open_login at once */

static bool text_take(struct sp_span from, char *to, size_t size)
{
    if (from.size >= size)
        return false;
    memcpy(to, from.data ? (const char *)from.data : "", from.size);
    to[from.size] = 0;
    return true;
}

static int links_adopt(struct login *login)
{
    login->inbox = calloc(1, sizeof *login->inbox);
    login->side = calloc(1, sizeof *login->side);
    if (!login->inbox || !login->side)
        return -ENOMEM;
    link_init(&login->monitor, LOGIN_FD_MONITOR, ROLE_SESSION, ROLE_MONITOR);
    link_init(&login->worker, LOGIN_FD_WORKER, ROLE_SESSION, ROLE_WORKER);
    login->log =
        (struct log){.program = "sallyport-session", .level = LOG_LEVEL_INFO, .link = &login->monitor};
    return 0;
}

/* Believed because of the link that it comes over; the limits of its fields are those of messages.def. */
static int facts_receive(struct login *login)
{
    int r = link_wait(&login->monitor, PHASE_START, login->side, OPEN_TIMEOUT_MS);
    if (r)
        return r < 0 ? r : -EPROTO;
    if (login->side->row->number != MSG_open_login)
        return -EPROTO;
    const struct msg_open_login *facts = &login->side->body.open_login;
    if (!text_take(facts->user, login->user, sizeof login->user) ||
        !text_take(facts->remote_address, login->remote_address, sizeof login->remote_address) ||
        !text_take(facts->local_address, login->local_address, sizeof login->local_address) ||
        !text_take(facts->listener, login->listener, sizeof login->listener))
        return -EPROTO;
    login->connection = facts->connection;
    login->remote_port = facts->remote_port;
    login->local_port = facts->local_port;
    login->session_id_size = facts->session_id.size;
    memcpy(login->session_id, facts->session_id.data, facts->session_id.size);
    login->host_key_size = facts->host_key.size;
    memcpy(login->host_key, facts->host_key.data, facts->host_key.size);
    login->negotiated_size = facts->negotiated.size;
    if (facts->negotiated.size != 0)
        memcpy(login->negotiated, facts->negotiated.data, facts->negotiated.size);
    return login->session_id_size == 0 ? -EPROTO : 0;
}

static enum log_level log_level_of(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"QUIET", LOG_LEVEL_ERROR}, {"FATAL", LOG_LEVEL_ERROR},  {"ERROR", LOG_LEVEL_ERROR},
        {"INFO", LOG_LEVEL_INFO},   {"VERBOSE", LOG_LEVEL_INFO}, {"DEBUG", LOG_LEVEL_DEBUG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
        if (strcmp(name, levels[i].name) == 0)
            return levels[i].level;
    return LOG_LEVEL_INFO;
}

/* A login without rules goes on, so that it is refused like any other. */
static void rules_fill(struct login *login, const struct config_source *source)
{
    const struct login_rules_for who = {.address = login->remote_address, .now = (int64_t)time(NULL)};
    char error[1024] = "";
    if (login_rules_fill(source, login->config, &who, &login->rules, error, sizeof error))
        log_say(&login->log, LOG_LEVEL_ERROR, "config_refused", "%s", error);
    if (login_rules_fill_reported(source, login->config, &who, &login->reported, error, sizeof error))
        log_say(&login->log, LOG_LEVEL_ERROR, "config_refused", "PolicyMode: nothing is reported: %s", error);
}

/* The snapshot is sealed, so that what is evaluated here is what the monitor has checked. */
static int config_open(struct login *login)
{
    struct config_error error = {0};
    struct config_source *source = NULL;
    struct sp_span snapshot;
    const struct config_who who = {
        .user = login->account.name,
        .groups = (const char *const *)login->account.group_names,
        .group_count = login->account.group_name_count,
        .address = login->remote_address,
        .local_address = login->local_address,
        .local_port = login->local_port,
        .listener = login->listener[0] ? login->listener : NULL,
    };
    int r = fd_sealed_map(LOGIN_FD_SNAPSHOT, CONFIG_SNAPSHOT_MAX, &snapshot);
    close(LOGIN_FD_SNAPSHOT);
    if (r)
        return r;
    r = config_source_unpack(snapshot, &source, &error);
    if (r == 0)
        r = config_evaluate(source, &who, &login->config, &error);
    if (r == 0)
        rules_fill(login, source);
    config_source_free(source);
    fd_sealed_unmap(snapshot);
    if (r > 0)
        log_say(&login->log, LOG_LEVEL_ERROR, "config_refused", "%s", error.text);
    return r > 0 ? -EINVAL : r;
}

static int user_look_up(struct login *login)
{
    int r = account_find(login->user, &login->account);
    if (r == 0)
        r = config_open(login);
    if (r)
        return r;
    account_judge(&login->account, login->config, login->remote_address);
    login->log.level = log_level_of(login->config->log_level);
    return 0;
}

static void login_free(struct login *login)
{
    publickey_free(login);
    pam_stack_close(login);
    restrictions_free(&login->restrictions);
    account_free(&login->account);
    login_rules_free(&login->rules);
    login_rules_free(&login->reported);
    config_free(login->config);
    link_close(&login->worker);
    link_close(&login->monitor);
    free(login->inbox);
    free(login->side);
}

/* What a user's programs inherit has to be the same however this process was started; PAM may change it. */
static void process_prepare(void)
{
    umask(022);
    (void)prctl(PR_SET_DUMPABLE,
                0); /* passwords go through here; what is executed for the user is dumpable again */
    (void)signal(
        SIGPIPE,
        SIG_IGN); /* a module's helper that dies must not take the login with it; reset for programs */
}

static int login_serve(struct login *login)
{
    int r = programs_run(login);
    audit_logout(login);
    return r;
}

int login_main(void)
{
    struct login login = {.began_ms = clock_ms()};
    process_prepare();
    /* 1. The links, and what the monitor says about this connection. */
    int r = links_adopt(&login);
    if (r == 0)
        r = facts_receive(&login);
    /* 2. The user, and the configuration as it is for this user. */
    if (r == 0)
        r = user_look_up(&login);
    if (r) {
        log_say(&login.log, LOG_LEVEL_ERROR, "login_failed", "the login process cannot start: %s",
                strerror(r < 0 ? -r : EPROTO));
        login_free(&login);
        return 1;
    }
    /* 3. Authentication, account, credentials and session. */
    audit_session(&login);
    authenticate_prepare(&login);
    r = authenticate_run(&login);
    publickey_free(&login);
    /* 4. The user's programs, until the worker goes. */
    if (r == 0)
        r = login_serve(&login);
    if (r < 0)
        log_say(&login.log, LOG_LEVEL_ERROR, "login_failed", "%s", strerror(-r));
    /* 5. The session is closed by the process that opened it. */
    login_free(&login);
    if (r < 0)
        return 1;
    return login.unaudited ? LOGIN_STATUS_UNAUDITED : 0;
}
