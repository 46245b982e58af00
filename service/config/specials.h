/* Options whose values fill more than one field, or none of the usual kinds. */
#pragma once

#include <stdio.h>

#include "config/error.h"
#include "base/lexer.h"

struct special {
    /* Writes the fields of *config only if everything is right. CONFIG_E_INVALID: *why says what was expected. */
    int (*parse)(const struct lexer_line *line, struct config *config, struct config_error *why);
    void (*set_default)(struct config *config);
    void (*print)(const struct config *config, FILE *out); /* what stands behind the keyword */
};

extern const struct special special_max_startups;
extern const struct special special_per_source_max_startups;
extern const struct special special_per_source_netblock;
extern const struct special special_rekey_limit;
extern const struct special special_policy_mode;
