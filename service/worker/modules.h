/* MACs that are not part of this server (LoadModule), opened as the zygote starts. */
#pragma once

#include <stddef.h>

#include "base/util.h"
#include "config/config.h"

/* Loads a module for the rest of the process's life. 0, or an error with the reason in `why`. */
int modules_load(const char *path, char *why, size_t why_size) MUST_USE;

/* Whether all that a configuration wants of the workers has been loaded: 0, or SETUP_E_REFUSED and *error says what not. */
int modules_check(const struct config *config, struct config_error *error) MUST_USE;
