/* Whether one list of address patterns says no more than another. */
#pragma once

#include <stdbool.h>

/* Both are valid (addresses_are_valid). True only if it is plain to see that whoever `inner` matches `outer` matches too:
 * each of its patterns stands in outer or is inside a block of it, and what outer excludes inner excludes. */
bool addresses_cover(const char *outer, const char *inner);
