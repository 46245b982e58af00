/* Whether a file is one that only root could have put there: code that is to be loaded. */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "base/util.h"

enum {
    ROOT_FILE_E_REFUSED = 1, /* why says which path and what is wrong with it */
};

/*
 * Resolves all links; the file must be a regular one of root's, and it and every directory above it writable by root
 * alone (a sticky directory further up may be anybody's to write: it keeps root's entries root's). `resolved` is the
 * path to open: nobody but root can make it another file. subject: what `why` begins with. 0, ROOT_FILE_E_REFUSED or
 * -errno.
 */
int root_file_check(const char *subject, const char *path, char resolved[PATH_MAX], char *why,
                    size_t why_size) MUST_USE;
