/* How configuration errors are worded: "FILE line N: what is wrong". */
#pragma once

#include "config/config.h"

struct config_place {
    const char *file;
    uint32_t line; /* 0: the file as a whole */
};

/* Fills in error->text, with the place in front unless it is NULL; control characters become '?'. Returns
 * CONFIG_E_INVALID, so that callers can return what it returns. */
int config_complain(struct config_error *error, const struct config_place *place, const char *format, ...)
    PRINTF_LIKE(3, 4) MUST_USE;
