/* PINs that somebody types, and PIN files that do not exist yet. A PIN is never an argument and never in the environment. */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/secret.h"

/* On the terminal, without echo; twice: until both are the same. 0, or CTL_FAILED and said. */
int pin_ask(const char *what, bool twice, struct secret *pin) MUST_USE;

/* A line from standard input must be this text. 0; CTL_FINDING: it is not, and said. */
int pin_confirm(const char *question, const char *expected) MUST_USE;

/* A new file with a random PIN, 0400 and that user's. 0, or CTL_FAILED and said. */
int pin_file_make(const char *path, uid_t uid, gid_t gid) MUST_USE;
