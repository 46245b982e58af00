/* Environments. Input: a login, its client's variables, PAM's. Output: the environment of one program. environ(7). */
#include "session/environment.h"

#include <errno.h>
#include <stdio.h>

#include "session/login.h"

/* What Debian's sshd and login(1) set before PAM has a say. */
#define PATH_OF_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_OF_USERS "/usr/local/bin:/usr/bin:/bin:/usr/games"

bool environment_name_ok(struct sp_span name)
{
    if (name.size == 0 || name.size > 255 || (name.data[0] >= '0' && name.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word)
            return false;
    }
    return true;
}

static bool begins_with(struct sp_span name, const char *prefix)
{
    size_t size = strlen(prefix);
    return name.size >= size && memcmp(name.data, prefix, size) == 0;
}

bool environment_name_is_free(struct sp_span name)
{
    static const char *const ours[] = {"USER", "LOGNAME", "HOME",     "SHELL",    "ENV",
                                       "IFS",  "PS4",     "BASH_ENV", "BASHOPTS", "SHELLOPTS"};
    if (begins_with(name, "LD_") || begins_with(name, "SSH_") || begins_with(name, "BASH_FUNC_"))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        if (sp_span_is(name, ours[i]))
            return false;
    return true;
}

static size_t item_find(const struct environment *environment, struct sp_span name)
{
    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->items[i], (const char *)name.data, name.size) == 0 &&
            environment->items[i][name.size] == '=')
            return i;
    return environment->count;
}

int environment_set(struct environment *environment, struct sp_span name, struct sp_span value)
{
    if (!environment_name_ok(name))
        return -EINVAL;
    size_t at = item_find(environment, name);
    if (at == ENVIRONMENT_MAX)
        return -E2BIG;
    char *item = NULL;
    if (asprintf(&item, "%.*s=%.*s", (int)name.size, (const char *)name.data, (int)value.size,
                 value.data ? (const char *)value.data : "") < 0)
        return -ENOMEM;
    free(environment->items[at]);
    environment->items[at] = item;
    if (at == environment->count)
        environment->count++;
    return 0;
}

int environment_set_item(struct environment *environment, const char *item, bool any)
{
    const char *equals = strchr(item, '=');
    if (!equals)
        return 0;
    struct sp_span name = sp_span_of(item, (size_t)(equals - item));
    if (!environment_name_ok(name) || (!any && !environment_name_is_free(name)))
        return 0;
    return environment_set(environment, name, sp_text(equals + 1));
}

const char *environment_get(const struct environment *environment, const char *name)
{
    size_t at = item_find(environment, sp_text(name));
    return at == environment->count ? NULL : environment->items[at] + strlen(name) + 1;
}

void environment_free(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->items[i]);
    *environment = (struct environment){0};
}

static int set(struct environment *environment, const char *name, const char *value)
{
    return environment_set(environment, sp_text(name), sp_text(value));
}

static int accepted_copy(struct environment *to, const struct environment *from)
{
    int r = 0;
    for (size_t i = 0; from && i < from->count && r == 0; i++)
        r = environment_set_item(to, from->items[i], false);
    return r;
}

static int account_set(struct environment *environment, const struct account *account)
{
    char mail[320];
    snprintf(mail, sizeof mail, "/var/mail/%s", account->name);
    const char *const pairs[][2] = {
        {"USER", account->name},
        {"LOGNAME", account->name},
        {"HOME", account->home},
        {"SHELL", account->shell},
        {"PATH", account->uid == 0 ? PATH_OF_ROOT : PATH_OF_USERS},
        {"MAIL", mail},
    };
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pairs) && r == 0; i++)
        r = set(environment, pairs[i][0], pairs[i][1]);
    return r;
}

static int keys_set(struct environment *environment, const struct login *login)
{
    int r = 0;
    if (!login->config->permit_user_environment)
        return 0;
    for (size_t i = 0; i < login->restrictions.environment_count && r == 0; i++)
        r = environment_set_item(environment, login->restrictions.environment[i], false);
    return r;
}

/* pam_env and others; PATH, XDG_*, KRB5CCNAME and whatever an administrator has put there. */
static int pam_set(struct environment *environment, const struct login *login)
{
    char **list = pam_stack_environment(login);
    int r = 0;
    for (size_t i = 0; list && list[i]; i++) {
        if (r == 0)
            r = environment_set_item(environment, list[i], false);
        free(list[i]);
    }
    free(list);
    return r;
}

static int configured_set(struct environment *environment, const struct config *config)
{
    int r = 0;
    for (size_t i = 0; i < config->set_env.count && r == 0; i++)
        r = environment_set_item(environment, config->set_env.items[i], true);
    return r;
}

static int connection_set(struct environment *environment, const struct environment_of *of)
{
    const struct login *login = of->login;
    char client[128], connection[192];
    snprintf(client, sizeof client, "%s %u %u", login->remote_address, login->remote_port, login->local_port);
    snprintf(connection, sizeof connection, "%s %u %s %u", login->remote_address, login->remote_port,
             login->local_address, login->local_port);
    int r = set(environment, "SSH_CLIENT", client);
    if (r == 0)
        r = set(environment, "SSH_CONNECTION", connection);
    if (r == 0 && of->tty)
        r = set(environment, "SSH_TTY", of->tty);
    if (r == 0 && of->tty && of->term && of->term[0])
        r = set(environment, "TERM", of->term);
    if (r == 0 && of->original_command)
        r = set(environment, "SSH_ORIGINAL_COMMAND", of->original_command);
    return r;
}

int environment_build(const struct environment_of *of, struct environment *environment)
{
    struct environment built = {0};
    int r = accepted_copy(&built, of->accepted);
    if (r == 0)
        r = account_set(&built, &of->login->account);
    if (r == 0)
        r = keys_set(&built, of->login);
    if (r == 0)
        r = pam_set(&built, of->login);
    if (r == 0)
        r = configured_set(&built, of->login->config);
    if (r == 0)
        r = connection_set(&built, of);
    if (r) {
        environment_free(&built);
        return r;
    }
    *environment = built;
    return 0;
}
