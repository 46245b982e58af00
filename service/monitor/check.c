/*
 * Looking at a configuration. Input: files and the command line. Output: error messages, or the effective configuration.
 * Asks NSS for a user's groups (Match Group), which the running monitor never does.
 */
#include "monitor/check.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lists.h"

#define EXIT_BAD 255 /* sshd's */
#define GROUPS_MAX 1024

/* Every name that this build has ever heard of, whether libcrypto offers it today or not; behind a comma each. */
static const char *const known[POLICY_KINDS] = {
#define KEX(symbol_, name_) "," name_
    [POLICY_KEX] = ""
#include "modules/registry.def"
    ,
#define CIPHER(symbol_, name_) "," name_
    [POLICY_CIPHER] = ""
#include "modules/registry.def"
    ,
#define MAC(symbol_, name_) "," name_
    [POLICY_MAC] = ""
#include "modules/registry.def"
    ,
#define KEYTYPE(symbol_, name_) "," name_
    [POLICY_HOST_KEY] = ""
#include "modules/registry.def"
    ,
#define KEYTYPE(symbol_, name_) "," name_
    [POLICY_USER_KEY] = ""
#include "modules/registry.def"
    ,
#define KEYTYPE(symbol_, name_) "," name_
    [POLICY_CA_KEY] = ""
#include "modules/registry.def"
};

/* Replaces a list as written by the list that it means, as sshd -T shows it. */
static int list_resolve(enum policy_kind kind, char **list, struct config_error *error)
{
    char resolved[POLICY_LIST_MAX], why[512];
    const char *names = known[kind] + 1;
    int r = lists_resolve_one(kind, *list, names, names, resolved, why, sizeof why);
    if (r) {
        snprintf(error->text, sizeof error->text, "%s", why);
        return r;
    }
    char *copy = strdup(resolved);
    if (!copy)
        return -1;
    free(*list);
    *list = copy;
    return 0;
}

static int lists_resolve(struct config *config, struct config_error *error)
{
    int r = list_resolve(POLICY_KEX, &config->kex_algorithms, error);
    if (r == 0)
        r = list_resolve(POLICY_HOST_KEY, &config->host_key_algorithms, error);
    if (r == 0)
        r = list_resolve(POLICY_CIPHER, &config->ciphers, error);
    if (r == 0)
        r = list_resolve(POLICY_MAC, &config->macs, error);
    if (r == 0)
        r = list_resolve(POLICY_USER_KEY, &config->pubkey_accepted_algorithms, error);
    if (r == 0)
        r = list_resolve(POLICY_CA_KEY, &config->ca_signature_algorithms, error);
    return r;
}

static int complain(const struct config_error *error)
{
    fprintf(stderr, "sallyportd: %s\n", error->text);
    return EXIT_BAD;
}

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static void source_cleanup(struct config_source **source)
{
    config_source_free(*source);
}

int check_configuration(const struct monitor_options *options)
{
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error error;
    if (generation_read(options, &source, &config, &error) || lists_resolve(config, &error))
        return complain(&error);
    return EXIT_SUCCESS;
}

/* ---- -C ---------------------------------------------------------------------------------------------------- */

struct asked {
    char *storage; /* owned; who points into it */
    struct config_who who;
    char *groups[GROUPS_MAX]; /* owned */
};

static void asked_free(struct asked *asked)
{
    for (size_t i = 0; i < asked->who.group_count; i++)
        free(asked->groups[i]);
    free(asked->storage);
}

static void groups_find(struct asked *asked)
{
    gid_t ids[GROUPS_MAX];
    int count = GROUPS_MAX;
    const struct passwd *user = asked->who.user ? getpwnam(asked->who.user) : NULL;
    if (!user || getgrouplist(user->pw_name, user->pw_gid, ids, &count) < 0)
        return;
    for (int i = 0; i < count; i++) {
        const struct group *group = getgrgid(ids[i]);
        char *name = group ? strdup(group->gr_name) : NULL;
        if (name)
            asked->groups[asked->who.group_count++] = name;
    }
    asked->who.groups = (const char *const *)asked->groups;
}

int show_configuration(const struct monitor_options *options, const char *connection)
{
    CLEANUP(asked_free) struct asked asked = {.who = {0}};
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    CLEANUP(config_cleanup) struct config *effective = NULL;
    struct config_error error = {.text = "out of memory"};
    if (connection && config_who_parse(connection, &asked.who, &asked.storage, &error))
        return complain(&error);
    groups_find(&asked);
    if (generation_read(options, &source, &config, &error) ||
        config_evaluate(source, &asked.who, &effective, &error) || lists_resolve(effective, &error))
        return complain(&error);
    return config_print(effective, STDOUT_FILENO) ? EXIT_BAD : EXIT_SUCCESS;
}
