/* Reading a configuration: from its files, or packed, in both cases behind the lines of the command line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "config/policies.h"

#include "monitor/generation.h"
#include "monitor/monitor.h"

static int error_set(struct config_error *error, const char *path, int r)
{
    snprintf(error->text, sizeof error->text, "%s: %s", path, strerror(-r));
    return r;
}

/* What the launcher found wrong with a newer configuration than the snapshot's: then that is the answer. */
static int read_refusal(const char *path, struct config_error *error)
{
    CLEANUP_FREE char *refused = NULL;
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size;
    if (asprintf(&refused, "%s.refused", path) < 0) {
        refused = NULL;
        return -ENOMEM;
    }
    CLEANUP_CLOSE int fd = open(refused, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_set(error, refused, -errno);
    int r = fd_read_all(fd, sizeof error->text, &text, &size);
    if (r)
        return error_set(error, refused, r);
    snprintf(error->text, sizeof error->text, "%s", (const char *)text);
    return -EINVAL;
}

/* Written by the launcher, as root, into the runtime directory: who runs the service decides what we serve. */
static int read_snapshot(const char *path, struct config_source **source, struct config_error *error)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    int r = read_refusal(path, error);
    if (r)
        return r;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : fd_read_all(fd, CONFIG_SNAPSHOT_MAX, &data, &size);
    return r ? error_set(error, path, r) : config_source_unpack(sp_span_of(data, size), source, error);
}

int generation_read(const struct monitor_options *options, struct config_source **source,
                    struct config **config, struct config_error *error)
{
    static const struct config_who nobody = {0};
    struct config_source *read = NULL;
    struct config *made = NULL;
    int r;
    error->text[0] = '\0';
    if (options->snapshot_path)
        r = read_snapshot(options->snapshot_path, &read, error);
    else if (options->overrides && options->overrides[0])
        r = config_source_read_behind(options->overrides, options->config_path, &read, error);
    else
        r = config_source_read(options->config_path, &read, error);
    if (r == 0)
        r = config_evaluate(read, &nobody, &made, error);
    if (r == 0)
        r = config_policies_check(read, (int64_t)time(NULL), error);
    if (r) {
        config_free(made);
        config_source_free(read);
        if (!error->text[0])
            snprintf(error->text, sizeof error->text, "cannot read the configuration: %s",
                     strerror(r < 0 ? -r : EINVAL));
        return r < 0 ? r : -EINVAL;
    }
    *source = read;
    *config = made;
    return 0;
}
