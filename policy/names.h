/* Algorithm names and the lists that they are collected in; for policy's own files. */
#pragma once

#include <sallyport/types.h>

#include "base/wildcard.h"

/* Characters that RFC 4251 section 6 allows in a name: printable US-ASCII but comma and white space, at most 64. */
bool policy_is_name(struct sp_span name);

/* Appends a name to a comma-separated list unless it is in there already; `out` turns full if there is no room. */
void policy_list_add(struct sp_out *list, struct sp_span name);
