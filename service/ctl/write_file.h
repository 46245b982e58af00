/* Files that a command leaves behind. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

/*
 * Puts a whole file in its place or leaves what was there: written beside it, then renamed. It belongs to whoever runs the
 * tool, with the mode of what was there, or 0644. 0, or CTL_FAILED and said.
 */
int write_file(const char *path, struct sp_span contents) MUST_USE;
/* The same for a file that must not be there yet. */
int write_new_file(const char *path, struct sp_span contents) MUST_USE;
/* A directory, if it is not there, 0755. 0, or CTL_FAILED and said. */
int write_directory(const char *path) MUST_USE;
