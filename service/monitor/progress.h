/* How sessions are doing: asked of their workers when somebody wants to know. */
#pragma once

#include <stdbool.h>

struct connection;
struct msg_report;

#define PROGRESS_INTERVAL_MS 1000u /* at least, between two questions to one worker */

/* Whether it was asked; not one that has not logged in, owes an answer, or was asked a moment ago. */
bool connection_ask_report(struct connection *c);
void connection_take_report(struct connection *c, const struct msg_report *report);
