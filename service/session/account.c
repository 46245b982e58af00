/* Accounts. Input: the name from open_login, NSS, the user's configuration. Output: struct account. sshd_config(5). */
#include "session/account.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/wildcard.h"
#include "config/config.h"
#include "ipc/messages.h"

/* What has a meaning of its own in passwd files, paths, options, patterns, shells or logs. */
bool account_name_ok(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > 255 || name[0] == '-' || name[0] == '~' || !strcmp(name, ".") ||
        !strcmp(name, ".."))
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c == 0x7f || strchr("/:,;*?!'\"`$&|<>(){}[]#%=", c))
            return false;
    }
    return true;
}

static int become_nobody(struct account *account)
{
    account->uid = ACCOUNT_NOBODY;
    account->gid = ACCOUNT_NOBODY;
    account->home = strdup("/nonexistent");
    account->shell = strdup("/usr/sbin/nologin");
    return account->home && account->shell ? 0 : -ENOMEM;
}

static int groups_find(struct account *account)
{
    int room = 64, count;
    for (;;) {
        free(account->groups);
        account->groups = calloc((size_t)room, sizeof *account->groups);
        if (!account->groups)
            return -ENOMEM;
        count = room;
        if (getgrouplist(account->name, account->gid, account->groups, &count) >= 0)
            break;
        if (room >= (int)ACCOUNT_GROUPS_MAX)
            return -E2BIG;
        room = count > room ? count : room * 2;
    }
    account->group_count = (size_t)count;
    return 0;
}

static int group_names_find(struct account *account)
{
    account->group_names = calloc(account->group_count + 1, sizeof *account->group_names);
    if (!account->group_names)
        return -ENOMEM;
    for (size_t i = 0; i < account->group_count; i++) {
        const struct group *group = getgrgid(account->groups[i]);
        if (!group)
            continue;
        char *name = strdup(group->gr_name);
        if (!name)
            return -ENOMEM;
        account->group_names[account->group_name_count++] = name;
    }
    return 0;
}

static int account_take(struct account *account, const struct passwd *entry)
{
    account->exists = true;
    account->uid = entry->pw_uid;
    account->gid = entry->pw_gid;
    account->home = strdup(entry->pw_dir && entry->pw_dir[0] ? entry->pw_dir : "/");
    account->shell = strdup(entry->pw_shell && entry->pw_shell[0] ? entry->pw_shell : "/bin/sh");
    if (!account->home || !account->shell)
        return -ENOMEM;
    int r = groups_find(account);
    return r ? r : group_names_find(account);
}

static void groups_forget(struct account *account)
{
    for (size_t i = 0; i < account->group_name_count; i++)
        free(account->group_names[i]);
    free(account->group_names);
    free(account->groups);
    account->group_names = NULL;
    account->groups = NULL;
    account->group_count = account->group_name_count = 0;
}

/* Groups are looked for, and forgotten, for a name that nobody has, too: the search is the greater part of the time that
 * a directory takes, and its absence would tell that there is no such user. */
static int nobody_take(struct account *account)
{
    int r = become_nobody(account);
    if (r == 0 && account->name_ok)
        r = groups_find(account);
    if (r == 0 && account->name_ok)
        r = group_names_find(account);
    groups_forget(account);
    return r;
}

int account_find(const char *name, struct account *account)
{
    struct account found = {0};
    snprintf(found.name, sizeof found.name, "%s", name);
    found.name_ok = account_name_ok(name);
    /* A directory that answers for another spelling of the name would log in somebody whom no rule was asked about. */
    const struct passwd *entry = found.name_ok ? getpwnam(name) : NULL;
    bool usable = entry && strcmp(entry->pw_name, name) == 0;
    int r = usable ? account_take(&found, entry) : nobody_take(&found);
    if (r) {
        account_free(&found);
        return r;
    }
    *account = found;
    return 0;
}

void account_free(struct account *account)
{
    groups_forget(account);
    free(account->home);
    free(account->shell);
    *account = (struct account){0};
}

static bool users_match(const struct account *account, const char *address, const struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (config_match_user(account->name, address, list->items[i]))
            return true;
    return false;
}

/* Each argument is one pattern, as in sshd: a comma is a character of a group's name. */
static bool groups_match(const struct account *account, const struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t g = 0; g < account->group_name_count; g++)
            if (wildcard_matches(sp_text(account->group_names[g]), sp_text(list->items[i])))
                return true;
    return false;
}

static bool shell_runs(const struct account *account)
{
    struct stat st;
    return stat(account->shell, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* In sshd's order: DenyUsers, AllowUsers, DenyGroups, AllowGroups. NULL: nothing is against it. */
static const char *objection(const struct account *account, const struct config *config, const char *address)
{
    if (!account->name_ok)
        return "the name has characters that no user name may have";
    if (!account->exists)
        return "no such user";
    if (!shell_runs(account))
        return "the login shell does not exist or is not executable";
    if (users_match(account, address, &config->deny_users))
        return "listed in DenyUsers";
    if (config->allow_users.count != 0 && !users_match(account, address, &config->allow_users))
        return "not listed in AllowUsers";
    if (groups_match(account, &config->deny_groups))
        return "a group is listed in DenyGroups";
    if (config->allow_groups.count != 0 && !groups_match(account, &config->allow_groups))
        return "none of user's groups are listed in AllowGroups";
    if (account->uid == 0 && strcmp(config->permit_root_login, "no") == 0)
        return LOGIN_ROOT_REFUSED;
    return NULL;
}

void account_judge(struct account *account, const struct config *config, const char *address)
{
    const char *against = objection(account, config, address);
    account->valid = !against;
    snprintf(account->reason, sizeof account->reason, "%s", against ? against : "");
}

bool account_may_use(const struct account *account, const struct config *config, const char *method,
                     bool forced)
{
    bool key = strcmp(method, "publickey") == 0;
    if (!account->valid)
        return false;
    if (account->uid != 0 || strcmp(config->permit_root_login, "yes") == 0)
        return true;
    if (strcmp(config->permit_root_login, "prohibit-password") == 0)
        return key;
    return strcmp(config->permit_root_login, "forced-commands-only") == 0 && key && forced;
}
