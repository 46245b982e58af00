/* Files of the configuration: the first one, and those that Include lines name. */
#pragma once

#include "base/lexer.h"
#include "config/source.h"

/* Where an Include that is not absolute looks. */
#define INCLUDE_DIRECTORY "/etc/sallyport"
#define INCLUDE_FILES_MAX 1024u /* per pattern */

int include_line(struct source_reading *reading, const struct config_place *place,
                 const struct lexer_line *words) MUST_USE;
