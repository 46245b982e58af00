/* Opening a user's file safely, and reading it line by line within bounds. */
#pragma once

#include <sallyport/types.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/util.h"

#define KEY_FILE_MAX (4u * 1024u * 1024u) /* octets */
#define KEY_FILE_LINES_MAX 20000u

struct key_file_rules {
    bool strict_modes;
    uid_t uid;        /* who, besides root, may own the file and its directories */
    const char *home; /* directories are checked from the file up to here, or to the root */
};

enum {
    KEY_FILE_E_REFUSED = 1, /* not a regular file, or StrictModes is against it; why says what */
};

/* A descriptor, KEY_FILE_E_REFUSED (as a negative value would be an errno: *fd stays -1), or -errno. */
int key_file_open(const char *path, const struct key_file_rules *rules, int *fd, char *why,
                  size_t why_size) MUST_USE;

/* Called for each line; a result other than 0 ends the reading and is handed on. An over-long line comes with an empty
 * span and too_long: it is never seen in parts. */
typedef int (*key_file_line_fn)(void *context, unsigned line, struct sp_span text, bool too_long);
/* 0 or what the function gave; -EFBIG: more octets or lines than we read. */
int key_file_read(int fd, key_file_line_fn on_line, void *context) MUST_USE;
