/*
 * What a program is told by root itself, because it must not have to believe it of the monitor: who the monitor is, whom to
 * believe about policies, whose code to load. Input: what configuration.c has noted. Output: signer.options, worker.options and
 * session.options in the runtime directory, one argument a line, for arguments_expand().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "base/fd.h"

#include "launch/launch.h"

struct lines {
    char text[ARGUMENTS_FILE_MAX];
    size_t size;
    bool bad; /* no room, or an argument that is no line */
};

static void line_add(struct lines *lines, const char *argument)
{
    size_t size = strlen(argument);
    if (size == 0 || strchr(argument, '\n') || size + 1 > sizeof lines->text - lines->size) {
        lines->bad = true;
        return;
    }
    memcpy(lines->text + lines->size, argument, size);
    lines->text[lines->size + size] = '\n';
    lines->size += size + 1;
}

static void option_add(struct lines *lines, const char *option, const char *value)
{
    line_add(lines, option);
    line_add(lines, value);
}

static void signer_add(const struct launch *l, struct lines *lines)
{
    if (!l->policy_trust[0])
        return;
    option_add(lines, "--policy-trust", l->policy_trust);
    if (l->policy[0])
        option_add(lines, "--policy", l->policy);
}

static void worker_add(const struct launch *l, struct lines *lines)
{
    for (size_t i = 0; i < l->module_count; i++)
        option_add(lines, "--load-module", l->modules[i]);
}

static void nothing_add(const struct launch *l, struct lines *lines)
{
    (void)l;
    (void)lines;
}

static const struct {
    const char *file;
    enum program_index program;
    void (*add)(const struct launch *l, struct lines *lines);
} rows[] = {
    {"signer.options", PROGRAM_SIGNER, signer_add},
    {"worker.options", PROGRAM_WORKER, worker_add},
    {"session.options", PROGRAM_SESSION, nothing_add},
};

/* Whether the file has been written before, and says something else. */
static bool is_changed(const struct launch *l, const char *file, struct sp_span text)
{
    CLEANUP_FREE uint8_t *before = NULL;
    size_t size;
    CLEANUP_CLOSE int fd = openat(l->runtime_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fd_read_all(fd, ARGUMENTS_FILE_MAX, &before, &size))
        return fd >= 0;
    return !sp_span_equal(sp_span_of(before, size), text);
}

static int file_write(const struct launch *l, size_t row, const char *monitor, bool *changed)
{
    CLEANUP_FREE struct lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return -ENOMEM;
    option_add(lines, "--monitor-uid", monitor);
    rows[row].add(l, lines);
    if (lines->bad)
        return -EINVAL;
    struct sp_span text = sp_span_of((const uint8_t *)lines->text, lines->size);
    *changed = is_changed(l, rows[row].file, text);
    return runtime_file(l, rows[row].file, &l->ids[USER_ROOT], 0444, text);
}

int options_write(struct launch *l)
{
    char monitor[16];
    int r = 0;
    snprintf(monitor, sizeof monitor, "%u", l->ids[USER_MONITOR].uid);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
        r = file_write(l, i, monitor, &l->options_changed[rows[i].program]);
    return r;
}
