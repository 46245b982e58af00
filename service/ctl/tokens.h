/* How the server's tokens are, in words: for each command that asks a server. */
#pragma once

#include <jansson.h>

/* answer: one that holds "tokens" (monitor/control_answers.c). Nothing is shown of a server that says nothing of them. */
void tokens_show(const json_t *answer);
