/*
 * Who wants to log in: one look at NSS, and the rules of the configuration that need no credentials. An account that
 * does not exist, or that a rule shuts out, is not `valid`: everything is gone through for it, and nothing succeeds.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/util.h"

struct config;

#define ACCOUNT_NOBODY 65534u     /* whom the as-user helper becomes for an account that is not valid */
#define ACCOUNT_GROUPS_MAX 65536u /* the kernel's NGROUPS_MAX */

struct account {
    char name[256]; /* as asked for; what PAM is told if name_ok */
    bool name_ok;   /* fit to be handed to NSS and PAM */
    bool exists;
    bool valid;
    char reason[160]; /* for the log: why it is not valid */
    uid_t uid;
    gid_t gid;
    char *home;
    char *shell;
    gid_t *groups; /* as initgroups(3) would set them */
    size_t group_count;
    char **group_names; /* those of `groups` that have one */
    size_t group_name_count;
};

/* Whether a name may reach NSS, PAM, paths and logs at all. */
bool account_name_ok(const char *name);

/* Looks the name up, once. 0 for unknown users too; -errno. */
int account_find(const char *name, struct account *account) MUST_USE;
void account_free(struct account *account);

/* Decides `valid` by the rules: AllowUsers and its kin, PermitRootLogin no, the shell. */
void account_judge(struct account *account, const struct config *config, const char *address);
/* Whether PermitRootLogin lets this method in; forced: a command is forced on the session. */
bool account_may_use(const struct account *account, const struct config *config, const char *method,
                     bool forced);
