/* Whether a file is one that only root could have put there: a PKCS#11 module, or trust anchors. */
#pragma once

#include <limits.h>

#include "base/util.h"

enum {
    MODULE_PATH_E_REFUSED = 1, /* why says which path and what is wrong with it */
};

/*
 * Resolves all links; the file must be a regular one of root's, and it and every directory above it writable by root
 * alone (a sticky directory further up may be anybody's to write: it keeps root's entries root's). `resolved` is the
 * path to open: nobody but root can make it another file. subject: what `why` begins with. 0, MODULE_PATH_E_REFUSED or -errno.
 */
int root_path_check(const char *subject, const char *path, char resolved[PATH_MAX], char *why,
                    size_t why_size) MUST_USE;
/* The same for a PKCS#11 module. */
int module_path_check(const char *path, char resolved[PATH_MAX], char *why, size_t why_size) MUST_USE;
