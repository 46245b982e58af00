/* The %-tokens of AuthorizedKeysFile: %% %h %u %U. sshd_config(5) TOKENS. */
#pragma once

#include <stddef.h>

#include "base/util.h"

struct account;

enum {
    EXPAND_E_INVALID = 1, /* an unknown token, or the result does not fit */
};

/* A path that is not absolute afterwards lies in the home directory. */
int expand_path(const char *pattern, const struct account *account, char *path, size_t size) MUST_USE;
