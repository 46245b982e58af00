/* Opening a loadable module: the one place where code that is not ours comes into a program of ours. */
#pragma once

#include <sallyport/module.h>

#include "base/module_note.h"

/*
 * Checks whose the file is, that it is a module of `kind` with an ops struct of `size` octets, loads it for the rest of
 * the process's life, and checks that what it exports is what its note says. *module is the head of that struct. 0,
 * MODULE_E_REFUSED (why says which file and what is wrong with it) or -errno.
 */
int module_load(const char *path, enum sp_module_kind kind, size_t size, const struct sp_module **module,
                char *why, size_t why_size) MUST_USE;
