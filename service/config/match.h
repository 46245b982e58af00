/* Match lines. */
#pragma once

#include "config/error.h"
#include "base/lexer.h"

/* Whether all criteria of the line hold. Checks all of them, whether they hold or not. CONFIG_E_INVALID: *why says what
 * was expected. */
int match_line(const struct lexer_line *line, const struct config_who *who, bool *matches,
               struct config_error *why) MUST_USE;
/* Whether a line that match_line() has checked asks for the user or a group. */
bool match_is_by_user(const struct lexer_line *line);
