/* What the monitor gives up before its first turn of the loop. */
#pragma once

#include "monitor/monitor.h"

/* Becomes options->user if it says one, and confines the process. 0, or negative and said in the log. */
int privilege_drop(struct monitor *m) MUST_USE;
