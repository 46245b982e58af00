/* The differences between a build with sanitizers and every other: sandbox_extra_none.c or
 * sandbox_extra_sanitize.c, chosen by meson. Nothing but service/base/sandbox*.c includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sandbox.h"

/* Isolations that this build can live in (bits of enum sandbox_isolation). */
extern const unsigned sandbox_extra_isolation;
/* Whether this build can live with a limit on that resource. */
bool sandbox_extra_limit_fits(int resource);

/* Shared by sandbox.c and sandbox_isolate.c. */
bool sandbox_has_capability(int capability);
int sandbox_empty_bounding_set(void) MUST_USE;
