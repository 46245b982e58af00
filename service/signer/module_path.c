/* Whose a file is: code that a token process would load, or trust anchors. Input: a path, perhaps from a link. Output: the
 * real path, or a refusal. */
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

struct complaint {
    const char *subject; /* "module" */
    char *why;
    size_t why_size;
};

static int refuse(const struct complaint *c, const char *path, const char *what)
{
    snprintf(c->why, c->why_size, "%s %s: %s", c->subject, path, what);
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
            return refuse(c, path, "others than root can change this directory");
    }
    return 0;
}

int root_path_check(const char *subject, const char *path, char resolved[PATH_MAX], char *why,
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
        return refuse(&c, resolved, "it must belong to root, and nobody else may write to it");
    return directories_check(resolved, &c);
}

int module_path_check(const char *path, char resolved[PATH_MAX], char *why, size_t why_size)
{
    return root_path_check("module", path, resolved, why, why_size);
}
