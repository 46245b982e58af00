/*
 * Whose a file is. Input: a path, perhaps one that came over a link. Output: the real path, or a refusal that names the
 * file or the directory, and its owner or mode.
 */
#include "base/root_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct complaint {
    const char *subject; /* "module" */
    char *why;
    size_t why_size;
};

static bool only_root_writes(const struct stat *st)
{
    return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int refuse(const struct complaint *c, const char *path, const char *what)
{
    snprintf(c->why, c->why_size, "%s %s: %s", c->subject, path, what);
    return ROOT_FILE_E_REFUSED;
}

static int refuse_others(const struct complaint *c, const char *path, const char *what, const struct stat *st)
{
    snprintf(c->why, c->why_size, "%s %s: %s (owner %u, mode %04o)", c->subject, path, what,
             (unsigned)st->st_uid, (unsigned)st->st_mode & 07777);
    return ROOT_FILE_E_REFUSED;
}

/* Cuts the last component off; false at the root. */
static bool path_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || path[1] == 0)
        return false;
    slash[slash == path ? 1 : 0] = 0;
    return true;
}

static int directories_check(const char *file, const struct complaint *c)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s", file);
    for (bool nearest = true; path_up(path); nearest = false) {
        if (stat(path, &st) < 0)
            return refuse(c, path, strerror(errno));
        bool kept_by_root = st.st_uid == 0 && (st.st_mode & S_ISVTX);
        if (!only_root_writes(&st) && !(kept_by_root && !nearest))
            return refuse_others(c, path, "others than root can change this directory", &st);
    }
    return 0;
}

int root_file_check(const char *subject, const char *path, char resolved[PATH_MAX], char *why,
                    size_t why_size)
{
    const struct complaint c = {.subject = subject, .why = why, .why_size = why_size};
    struct stat st;
    if (path[0] != '/')
        return refuse(&c, path, "the path must be absolute");
    if (!realpath(path, resolved))
        return refuse(&c, path, strerror(errno));
    if (stat(resolved, &st) < 0)
        return refuse(&c, resolved, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(&c, resolved, "it is no regular file");
    if (!only_root_writes(&st))
        return refuse_others(&c, resolved, "it must belong to root, and nobody else may write to it", &st);
    return directories_check(resolved, &c);
}
