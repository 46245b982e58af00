/* Messages of the monitor. */
#pragma once

#include "base/util.h"

struct connection;

/* Call when c->monitor is readable: handles what is there. */
int on_monitor_message(struct connection *c) MUST_USE;
/*
 * Its link is closed, and nobody will open it again: a monitor that is merely restarted keeps it (monitor/store.h). Who has not
 * logged in is sent away; a user's session goes on for as long as it needs no new keys.
 */
int on_monitor_lost(struct connection *c) MUST_USE;
