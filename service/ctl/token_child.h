/* The process that meets a vendor's code: fresh from a fork, without root, and what it finds comes back as JSON. */
#pragma once

#include "ctl/token_command.h"

/* Runs command->work in a child and merges what it found into *found. Its exit status, or CTL_FAILED and said. */
int token_child_run(const struct token_command *command, struct token_run *run, json_t *found) MUST_USE;
