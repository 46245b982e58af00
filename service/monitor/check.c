/*
 * Looking at a configuration. Input: files and the command line. Output: error messages, or the effective configuration.
 * Asks NSS for a user's groups (Match Group), which the running monitor never does.
 */
#include "monitor/check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/policies.h"

#define EXIT_BAD 255 /* sshd's */
#define GROUPS_MAX 1024

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static void source_cleanup(struct config_source **source)
{
    config_source_free(*source);
}

/* Every name that this build has ever heard of, whether libcrypto offers it today or not; behind a comma each. */
static const char *const registry[POLICY_KINDS] = {
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
#define COMPRESSION(symbol_, name_) "," name_
    [POLICY_COMPRESSION] = ",none"
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

static void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}

static void build_fill(struct policy_build *build)
{
    *build = (struct policy_build){.post_quantum = registry[POLICY_KEX] + 1, .fips_provider = true};
    for (size_t kind = 0; kind < POLICY_KINDS; kind++)
        build->known[kind] = build->available[kind] = registry[kind] + 1;
}

static int text_replace(char **text, const char *with)
{
    char *copy = strdup(with);
    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

/* What the configuration adds to DEFAULT without a Policy line would be an error with one. */
static bool says_no_more_than_default(const struct policy *policy)
{
    CLEANUP(config_cleanup) struct config *plain = NULL;
    CLEANUP(policy_cleanup) struct policy *defaults = NULL;
    CLEANUP(source_cleanup) struct config_source *none = NULL;
    struct config_error unused;
    struct policy_error why;
    return config_source_parse("default", sp_text(""), &none, &unused) == 0 &&
           config_evaluate(none, &(struct config_who){0}, &plain, &unused) == 0 &&
           config_policy(none, plain, 0, &defaults, &unused) == 0 &&
           policy_compare(defaults, policy, &why) == 0;
}

/* Replaces lists as written by the lists that they mean, as sshd -T shows them. */
static int lists_resolve(const struct config_source *source, struct config *config,
                         struct config_error *error)
{
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    CLEANUP_FREE struct policy_effective *effective = malloc(sizeof *effective);
    struct policy_build build;
    struct policy_error why;
    int r = effective ? config_policy(source, config, 0, &policy, error) : -ENOMEM;
    if (r)
        return r;
    build_fill(&build);
    r = policy_resolve(policy, &build, (int64_t)time(NULL), effective, &why);
    if (r) {
        snprintf(error->text, sizeof error->text, "%s", r > 0 ? why.text : strerror(-r));
        return r;
    }
    const struct {
        enum policy_kind kind;
        char **list;
    } rows[] = {
        {POLICY_KEX, &config->kex_algorithms},
        {POLICY_HOST_KEY, &config->host_key_algorithms},
        {POLICY_CIPHER, &config->ciphers},
        {POLICY_MAC, &config->macs},
        {POLICY_USER_KEY, &config->pubkey_accepted_algorithms},
        {POLICY_CA_KEY, &config->ca_signature_algorithms},
    };
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
        r = text_replace(rows[i].list, effective->lists[rows[i].kind]);
    if (r == 0 && config->policy[0] == '\0' && says_no_more_than_default(policy))
        r = text_replace(&config->policy, CONFIG_POLICY_DEFAULT);
    return r;
}

static int complain(const struct config_error *error)
{
    fprintf(stderr, "sallyportd: %s\n", error->text);
    return EXIT_BAD;
}

int check_configuration(const struct monitor_options *options)
{
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error error;
    if (generation_read(options, &source, &config, &error) || lists_resolve(source, config, &error))
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
        config_evaluate(source, &asked.who, &effective, &error) || lists_resolve(source, effective, &error))
        return complain(&error);
    return config_print(effective, STDOUT_FILENO) ? EXIT_BAD : EXIT_SUCCESS;
}
