/* Whose code a token process would load. Input: a path that came over a link. Output: the real path, or a refusal. */
#include "signer/module_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool only_root_writes(const struct stat *st)
{
    return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int refuse(char *why, size_t why_size, const char *path, const char *what)
{
    snprintf(why, why_size, "module %s: %s", path, what);
    return MODULE_PATH_E_REFUSED;
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

static int directories_check(const char *file, char *why, size_t why_size)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s", file);
    for (bool nearest = true; path_up(path); nearest = false) {
        if (stat(path, &st) < 0)
            return refuse(why, why_size, path, strerror(errno));
        bool kept_by_root = st.st_uid == 0 && (st.st_mode & S_ISVTX);
        if (!only_root_writes(&st) && !(kept_by_root && !nearest))
            return refuse(why, why_size, path, "others than root can change this directory");
    }
    return 0;
}

int module_path_check(const char *path, char resolved[PATH_MAX], char *why, size_t why_size)
{
    struct stat st;
    if (path[0] != '/')
        return refuse(why, why_size, path, "the path must be absolute");
    if (!realpath(path, resolved))
        return refuse(why, why_size, path, strerror(errno));
    if (stat(resolved, &st) < 0)
        return refuse(why, why_size, resolved, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(why, why_size, resolved, "it is no regular file");
    if (!only_root_writes(&st))
        return refuse(why, why_size, resolved, "it must belong to root, and nobody else may write to it");
    return directories_check(resolved, why, why_size);
}
