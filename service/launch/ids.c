/* Whom the programs run as. Input: the user database. */
#include <pwd.h>
#include <stdio.h>

#include "base/users.h"
#include "launch/launch.h"

static const struct {
    const char *user;  /* the entry */
    const char *label; /* for scripts */
} users[USER_ROOT] = {
    [USER_MONITOR] = {USERS_MONITOR, "monitor"},
    [USER_SIGNER] = {USERS_SIGNER, "signer"},
    [USER_WORKER] = {USERS_WORKER, "worker"},
};

_Static_assert(USER_SIGNER == USERS_FALLBACK_SIGNER - USERS_FALLBACK, "the tool knows the signer's number too");

void ids_find(struct launch_ids ids[USERS])
{
    ids[USER_ROOT] = (struct launch_ids){.named = true};
    for (unsigned i = 0; i < USER_ROOT; i++) {
        const struct passwd *entry = getpwnam(users[i].user);
        if (entry && entry->pw_uid != 0)
            ids[i] = (struct launch_ids){entry->pw_uid, entry->pw_gid, true};
        else
            ids[i] = (struct launch_ids){USERS_FALLBACK + i, USERS_FALLBACK + i, false};
    }
}

void ids_print(const struct launch_ids ids[USERS])
{
    for (unsigned i = 0; i < USER_ROOT; i++)
        printf("%s %u:%u\n", users[i].label, ids[i].uid, ids[i].gid);
}

void ids_report(const struct launch_ids ids[USERS])
{
    for (unsigned i = 0; i < USER_ROOT; i++)
        if (!ids[i].named)
            launch_say("no user %s: the %s runs as %u:%u", users[i].user, users[i].label, ids[i].uid,
                       ids[i].gid);
}
