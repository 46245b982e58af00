/* Changing a file that others have made: its mode and owner stay, nobody else changes it meanwhile, and it is on the disk. */
#pragma once

#include <limits.h>
#include <sys/stat.h>

#include <sallyport/types.h>

#include "base/util.h"

struct edit_file {
    char path[PATH_MAX];
    int fd; /* holds the lock; -1: not open */
    struct stat st;
    uint8_t *text; /* owned, with a NUL behind */
    size_t size;
};

/* Reads a regular file, locked until edit_file_close(). 0, or CTL_FAILED and said; close it in any case. */
int edit_file_open(struct edit_file *edit, const char *path, size_t limit) MUST_USE;
/* A file beside it, called PATH and `suffix`, with its mode and owner, on the disk. It must not be there, or be a regular file,
 * which it replaces. 0, or CTL_FAILED and said. */
int edit_file_beside(const struct edit_file *edit, const char *suffix, struct sp_span text,
                     char name[PATH_MAX]) MUST_USE;
/* The file beside it takes its place, if it is still the one that was read. 0, or CTL_FAILED and said. */
int edit_file_commit(const struct edit_file *edit, const char *name) MUST_USE;
void edit_file_close(struct edit_file *edit);
