/* Whom the programs run as. Input: the user database. */
#include <pwd.h>
#include <stdio.h>

#include "launch/launch.h"

/* Below systemd's dynamic users, who begin at 61184: another service with the monitor's number would be taken for it. Nobody
 * allocates from here by himself, and no entries are needed to run. */
#define ID_BASE 60744u

static const struct {
    const char *user;  /* the entry */
    const char *label; /* for scripts */
} users[USER_ROOT] = {
    [USER_MONITOR] = {"sallyport", "monitor"},
    [USER_SIGNER] = {"sallyport-signer", "signer"},
    [USER_WORKER] = {"sallyport-worker", "worker"},
};

void ids_find(struct launch_ids ids[USERS])
{
    ids[USER_ROOT] = (struct launch_ids){.named = true};
    for (unsigned i = 0; i < USER_ROOT; i++) {
        const struct passwd *entry = getpwnam(users[i].user);
        if (entry && entry->pw_uid != 0)
            ids[i] = (struct launch_ids){entry->pw_uid, entry->pw_gid, true};
        else
            ids[i] = (struct launch_ids){ID_BASE + i, ID_BASE + i, false};
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
