/* Command lines that go on in a file of root's: a service manager's unit is fixed, and what the configuration says is not. */
#pragma once

#include "base/util.h"

#define ARGUMENTS_FILE_MAX (512u * 1024u) /* octets */
#define ARGUMENTS_MAX 512u                /* lines */

/*
 * If the first argument is --options-file PATH, the file's lines take the place of the two, one argument each, in front of
 * those that follow. The file has to be a regular one of root's that nobody else may write to: who could change it would say
 * whom the program believes. What was made stays until the next call. 0, with *argc and *argv changed or as they were;
 * or -errno: -EPERM for a file of somebody else's, -EINVAL for one that is no list of lines, -EFBIG for too much.
 */
int arguments_expand(int *argc, char ***argv) MUST_USE;
