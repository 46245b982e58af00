/* Messages of the monitor. */
#pragma once

#include "base/util.h"

struct connection;

/* Call when c->monitor is readable: handles what is there. A closed link ends the connection. */
int on_monitor_message(struct connection *c) MUST_USE;
