/* Keywords that OpenSSH's sshd_config has and this configuration has not. */
#pragma once

#include "config/error.h"
#include "base/lexer.h"

size_t foreign_count(void);
const char *foreign_keyword(size_t index); /* index < foreign_count() */
/* Why there is no such keyword, and what to do instead; NULL: it is none of OpenSSH's. */
const char *foreign_hint(const char *keyword);

enum {
    FOREIGN_E_UNKNOWN = 2, /* no keyword of OpenSSH's either */
};

/* 0: the line asks for what this server does anyway. CONFIG_E_INVALID: *why says, keyword included, what to write
 * instead. FOREIGN_E_UNKNOWN. */
int foreign_check(const struct lexer_line *line, struct config_error *why) MUST_USE;
