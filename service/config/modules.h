/* LoadModule: what the modules of a configuration are, by the notes in their files. */
#pragma once

#include "config/source.h"

/* Reads the notes of all that the configuration names, and checks them against each other and against what HostKey lines
 * need. 0, CONFIG_E_INVALID or -errno. */
int modules_attach(struct config_source *source, const struct config *config,
                   struct config_error *error) MUST_USE;
/* Fills in config->modules from what was attached. 0, or CONFIG_E_INVALID: there are too many. */
int modules_take(const struct config_source *source, struct config *config,
                 struct config_error *error) MUST_USE;
