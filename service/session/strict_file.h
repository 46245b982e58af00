/*
 * Opening a file that decides who comes in: a user's, by the as-user helper, or the administrator's, by the login
 * process, which only hands it on. What is opened is what is checked (sshd_config(5) StrictModes).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/util.h"

struct strict_file_rules {
    bool strict_modes;
    uid_t uid;        /* who, besides root, may own the file and its directories */
    const char *home; /* directories are checked from the file up to here, or to the root */
};

enum {
    STRICT_FILE_E_REFUSED = 1, /* not a regular file, or its modes or owners are against it; why says what */
};

/* 0: *fd is a descriptor to read from. STRICT_FILE_E_REFUSED or -errno: *fd is untouched. */
int strict_file_open(const char *path, const struct strict_file_rules *rules, int *fd, char *why,
                     size_t why_size) MUST_USE;
