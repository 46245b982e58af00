/*
 * What comes back from the process with a vendor's module: one JSON object, and words for people. Nothing of it is believed: its
 * size and its time have limits, and what would be more than text on a terminal is taken out of it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/util.h"

#define HEAR_ANSWER_MAX (4u * 1024u * 1024u) /* octets */
#define HEAR_TIME_MS (15u * 60u * 1000u)     /* a slow card makes a large key; a PIN is typed */
#define HEAR_REST_MS 2000u                   /* for what is still in the pipes of a process that has ended */

/*
 * Hears a child to its end: its answer goes into *found, its words to standard error. Daemons that a module leaves behind may
 * hold the pipes open for as long as they like. The child's exit status, or CTL_FAILED and said.
 */
int token_hear(pid_t pid, int answer_fd, int words_fd, unsigned time_ms, json_t *found) MUST_USE;

/* Octets that are not printed as text become "?": controls, escapes, what turns the direction of writing, and what is no
 * UTF-8. Tabs and, if `lines`, newlines stay. */
void token_clean(char *text, size_t size, bool lines);
