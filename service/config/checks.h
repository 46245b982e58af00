/* What an argument of one particular keyword has to look like, beyond its kind. */
#pragma once

#include "config/error.h"
#include "config/options.h"

int check_arguments(const struct option *option, const char *const *arguments, size_t count,
                    struct config_error *why) MUST_USE;
/* The word that the table of choices has for an older spelling of OpenSSH's; else the word itself. */
const char *check_alias(const struct option *option, const char *word);

/* The same for the second argument and those behind it, where the first is a name (OPTION_LINES). */
int check_lines_rest(const struct option *option, const char *const *arguments, size_t count,
                     struct config_error *why) MUST_USE;

/* What may stand behind Policy, and behind "PolicyMode report". */
int check_policy_spec(const char *argument, struct config_error *why) MUST_USE;

/* The keywords that have a check; NULL behind the last. For tests. */
const char *check_keyword_at(size_t index);
