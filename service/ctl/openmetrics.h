/* The text format of OpenMetrics 1.0, made of the families that the monitor tells. */
#pragma once

#include <stdio.h>

#include "ctl/found.h"

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* found: "families", as control_metrics.c of the monitor has them. */
void openmetrics_write(const json_t *found, FILE *out);
