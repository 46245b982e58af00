/*
 * The configuration, read by root, because it may lie where the monitor cannot read. Input: the administrator's files.
 * Output: a snapshot for the monitor in the runtime directory, and the listening sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "config/config.h"
#include "config/listen.h"

#include "launch/launch.h"

static void config_cleanup(struct config **config)
{
    config_free(*config);
}

static void source_cleanup(struct config_source **source)
{
    config_source_free(*source);
}

/* Renamed into place: the monitor reads the old one or the new one. */
static int snapshot_place(struct launch *l, struct sp_span packed)
{
    static const char fresh[] = RUNTIME_SNAPSHOT ".new";
    const struct launch_ids *monitor = &l->ids[USER_MONITOR];
    if (unlinkat(l->runtime_fd, fresh, 0) < 0 && errno != ENOENT)
        return -errno;
    CLEANUP_CLOSE int fd = openat(l->runtime_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, packed);
    if (r)
        return r;
    if (fchown(fd, monitor->uid, monitor->gid) < 0)
        return -errno;
    return renameat(l->runtime_fd, fresh, l->runtime_fd, RUNTIME_SNAPSHOT) < 0 ? -errno : 0;
}

static int network_open(struct launch *l, const struct config *config)
{
    struct config_error error;
    int r = config_listen(config, &l->network, &error);
    if (r)
        launch_say("%s", error.text);
    return r > 0 ? -EINVAL : r;
}

int configuration_write(struct launch *l, bool bind)
{
    static const struct config_who nobody = {0};
    CLEANUP(source_cleanup) struct config_source *source = NULL;
    CLEANUP(config_cleanup) struct config *config = NULL;
    CLEANUP_FREE uint8_t *packed = NULL;
    struct config_error error = {.text = "out of memory"};
    size_t size;
    int r = l->options.overrides[0]
                ? config_source_read_behind(l->options.overrides, l->options.config_path, &source, &error)
                : config_source_read(l->options.config_path, &source, &error);
    if (r == 0)
        r = config_evaluate(source, &nobody, &config, &error);
    if (r) {
        launch_say("%s", error.text);
        return r < 0 ? r : -EINVAL;
    }
    r = config_source_pack(source, &packed, &size);
    if (r == 0)
        r = snapshot_place(l, sp_span_of(packed, size));
    if (r)
        launch_say("cannot write the configuration for the monitor: %s", strerror(r < 0 ? -r : EFBIG));
    else if (bind)
        r = network_open(l, config);
    return r > 0 ? -EFBIG : r;
}
