/*
 * Files that decide who comes in. Input: a path. Output: a descriptor. Checked are the descriptor's own inode and the
 * directories of the path that the kernel gives for it (sshd_config(5) StrictModes).
 */
#include "session/strict_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int refuse(char *why, size_t why_size, const char *path, const char *what)
{
    snprintf(why, why_size, "%s: %s", path, what);
    return STRICT_FILE_E_REFUSED;
}

static bool is_safe(const struct stat *st, uid_t uid)
{
    return (st->st_uid == 0 || st->st_uid == uid) && (st->st_mode & 022) == 0;
}

/* The file's real path, links resolved. */
static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, size - 1);
    if (n < 0)
        return -errno;
    path[n] = 0;
    return path[0] == '/' ? 0 : -EINVAL;
}

static int directories_check(char *path, const struct strict_file_rules *rules, char *why, size_t why_size)
{
    char home[PATH_MAX] = "";
    if (!realpath(rules->home, home))
        home[0] = 0;
    for (;;) {
        struct stat st;
        char *slash = strrchr(path, '/');
        if (!slash)
            return -EINVAL;
        slash[slash == path ? 1 : 0] = 0;
        if (stat(path, &st) < 0)
            return -errno;
        if (!is_safe(&st, rules->uid))
            return refuse(why, why_size, path, "bad owner or modes of a directory");
        if (strcmp(path, home) == 0 || strcmp(path, "/") == 0)
            return 0;
    }
}

static int file_check(int fd, const char *path, const struct strict_file_rules *rules, char *why,
                      size_t why_size)
{
    struct stat st;
    char real[PATH_MAX];
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return refuse(why, why_size, path, "not a regular file");
    if (!rules->strict_modes)
        return 0;
    if (!is_safe(&st, rules->uid))
        return refuse(why, why_size, path, "bad owner or modes");
    int r = path_of(fd, real, sizeof real);
    return r ? r : directories_check(real, rules, why, why_size);
}

int strict_file_open(const char *path, const struct strict_file_rules *rules, int *fd, char *why,
                     size_t why_size)
{
    /* Non-blocking: a FIFO or a device in the place of the file must not stop us. */
    CLEANUP_CLOSE int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened < 0)
        return -errno;
    int r = file_check(opened, path, rules, why, why_size);
    if (r)
        return r;
    *fd = TAKE_FD(opened);
    return 0;
}
