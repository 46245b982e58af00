/* What the signer and this tool remember of refused PINs, asked and told by the child that logs in. */
#pragma once

#include "ctl/token_command.h"
#include "signer/refused.h"

enum token_remembered {
    REMEMBERED_UNKNOWN, /* there is no PIN file, or this user cannot read it */
    REMEMBERED_NOT,
    REMEMBERED_REFUSED,
};

/* Before run->pin is sent. *pin: for refused_add(), if the token refuses it. 0, or CTL_FAILED and said. */
int token_memory_check(struct token_run *run, struct refused_pins *refused,
                       struct refused_entry *pin) MUST_USE;
/* Whether the PIN in its file is remembered as refused. path: of that memory, "" if it is not kept. */
enum token_remembered token_memory_knows(struct token_run *run, char path[PATH_MAX]);

/* Where this tool finds the signer's credentials when it has none of its own. */
const char *token_credentials(void);

/* What a token says of itself, as in a URI; what does not fit is left out. */
void token_attributes(const struct sp_token_slot *slot, char text[REFUSED_TOKEN_MAX]);
/*
 * All attributes of the one initialised token that fits those in `asked`, or `asked` if there are none or several: who logs in
 * knows more of a token than its configuration does, and what is remembered of it then counts under every name.
 */
void token_identify(const struct sp_token_slot *slots, size_t count, const char *asked,
                    char text[REFUSED_TOKEN_MAX]);
