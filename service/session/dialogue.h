/* One question and its answers over keyboard-interactive: auth_info_request out, auth_answers in. RFC 4256. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#include "session/conversation.h"

struct login;

struct dialogue {
    char instruction[8192]; /* NUL-terminated */
    uint8_t prompts[16384]; /* list of (string prompt, bool echo) */
    size_t prompts_size;
    uint32_t count;
};

/* prompt may be NULL or "": RFC 4256 section 3.2 forbids an empty one, so the client sees a word of ours. 0 or
 * -E2BIG. */
int dialogue_add_prompt(struct dialogue *dialogue, const char *prompt, bool echo) MUST_USE;
/*
 * Asks, and blocks until the client has answered; zero prompts are asked and answered too (they show the instruction).
 * 0: answers[0..count) borrow from the inbox. Else nothing was answered, and login->pam.conversation says why: ended,
 * replaced, or a wrong number of answers.
 */
int dialogue_ask(struct login *login, const struct dialogue *dialogue, struct sp_span *answers) MUST_USE;
