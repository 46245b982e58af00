/*
 * The configuration, read by root, because it may lie where the monitor cannot read. Input: the administrator's files.
 * Output: a snapshot for the monitor in the runtime directory, and the listening sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "config/listen.h"
#include "config/policies.h"

#include "launch/launch.h"

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static void source_cleanup(struct config_source **source)
{
    config_source_free(*source);
}

/* For the monitor alone to read. */
static int file_place(const struct launch *l, const char *name, struct sp_span contents)
{
    return runtime_file(l, name, &l->ids[USER_MONITOR], 0400, contents);
}

/* Read and checked, and nothing changed yet. */
static int configuration_read(const struct launch *l, struct config_source **source, struct config **config,
                              struct config_error *error)
{
    static const struct config_who nobody = {0};
    snprintf(error->text, sizeof error->text, "%s: out of memory", l->options.config_path);
    int r = l->options.overrides[0]
                ? config_source_read_behind(l->options.overrides, l->options.config_path, source, error)
                : config_source_read(l->options.config_path, source, error);
    if (r == 0)
        r = config_evaluate(*source, &nobody, config, error);
    return r ? r : config_policies_check(*source, (int64_t)time(NULL), error);
}

static int snapshot_place(const struct launch *l, const struct config_source *source,
                          struct config_error *error)
{
    CLEANUP_FREE uint8_t *packed = NULL;
    size_t size;
    int r = config_source_pack(source, &packed, &size);
    if (r == 0)
        r = file_place(l, RUNTIME_SNAPSHOT, sp_span_of(packed, size));
    if (r)
        snprintf(error->text, sizeof error->text, "cannot write the configuration for the monitor: %s",
                 strerror(r < 0 ? -r : EFBIG));
    return r;
}

/* What the signer is told here, by root, it need not believe of the monitor. It stays until we are started again. */
static int policy_trust_note(struct launch *l, const struct config *config, struct config_error *error)
{
    bool wanted = strcmp(config->policy_trust, "none") != 0;
    int size = snprintf(l->policy_trust, sizeof l->policy_trust, "%s", wanted ? config->policy_trust : "");
    snprintf(l->policy, sizeof l->policy, "%s", config->policy);
    if (size >= 0 && (size_t)size < sizeof l->policy_trust)
        return 0;
    snprintf(error->text, sizeof error->text, "PolicyTrust: the path is too long");
    return -ENAMETOOLONG;
}

/* The workers' modules, for as long as we run: a zygote that is started later has to have what the first one had. */
static int modules_note(struct launch *l, const struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->load_modules.count && i < CONFIG_MODULES_MAX; i++) {
        if (config->modules[i].kind != SP_KIND_MAC)
            continue;
        char *path = l->modules[l->module_count++];
        if (snprintf(path, PATH_MAX, "%s", config->load_modules.items[i]) < PATH_MAX)
            continue;
        snprintf(error->text, sizeof error->text, "LoadModule: the path is too long");
        return -ENAMETOOLONG;
    }
    return 0;
}

int configuration_open(struct launch *l)
{
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error error;
    int r = configuration_read(l, &source, &config, &error);
    if (r == 0)
        r = snapshot_place(l, source, &error);
    if (r == 0)
        r = policy_trust_note(l, config, &error);
    if (r == 0)
        r = modules_note(l, config, &error);
    if (r == 0)
        r = config_listen(config, &l->network, &error);
    if (r)
        launch_say("%s", error.text);
    else
        r = runtime_share_control(l, config->control_group);
    return r > 0 ? -EINVAL : r;
}

int configuration_renew(struct launch *l)
{
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error error;
    int r = configuration_read(l, &source, &config, &error);
    if (r == 0)
        r = snapshot_place(l, source, &error);
    if (r == 0 && runtime_share_control(l, config->control_group))
        launch_say("ControlGroup: the control socket stays with the group before");
    if (r == 0 && unlinkat(l->runtime_fd, RUNTIME_REFUSED, 0) < 0 && errno != ENOENT)
        r = -errno;
    if (r && file_place(l, RUNTIME_REFUSED, sp_text(error.text)))
        launch_say("%s", error.text);
    return r > 0 ? -EINVAL : r;
}

/* ---- for a service manager ----------------------------------------------------------------------------------- */

static int options_place(struct launch *l, const struct config *config, struct config_error *error)
{
    int r = policy_trust_note(l, config, error);
    if (r == 0)
        r = modules_note(l, config, error);
    if (r == 0 && (r = options_write(l)) != 0)
        snprintf(error->text, sizeof error->text, "cannot write the programs' options: %s", strerror(-r));
    return r;
}

/* A refusal that was left for a monitor that is gone would be read as the answer to the next. */
static int refusal_remove(const struct launch *l, struct config_error *error)
{
    if (unlinkat(l->runtime_fd, RUNTIME_REFUSED, 0) == 0 || errno == ENOENT)
        return 0;
    int r = -errno;
    snprintf(error->text, sizeof error->text, "%s: %s", RUNTIME_REFUSED, strerror(-r));
    return r;
}

/*
 * A server that is started again while its configuration is being edited, because a program died or was replaced, serves on
 * with what was prepared last: nobody is locked out by a typing error that he has not asked to be put in force.
 */
static int before_stays(const struct launch *l, const struct config_error *error)
{
    struct config_error unused;
    bool is_prepared = faccessat(l->runtime_fd, RUNTIME_SNAPSHOT, F_OK, 0) == 0;
    launch_say("%s", error->text);
    if (!is_prepared)
        return -EINVAL;
    launch_say("the configuration is refused; the one before stays in force");
    return refusal_remove(l, &unused);
}

int configuration_prepare(struct launch *l)
{
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    struct config_error error;
    int r = configuration_read(l, &source, &config, &error);
    if (r)
        return before_stays(l, &error);
    r = options_place(l, config, &error);
    if (r == 0)
        r = snapshot_place(l, source, &error);
    if (r == 0)
        r = refusal_remove(l, &error);
    if (r)
        launch_say("%s", error.text);
    else if (faccessat(l->runtime_fd, RUNTIME_CONTROL, F_OK, 0) == 0)
        r = runtime_share_control(l, config->control_group);
    return r > 0 ? -EINVAL : r;
}
