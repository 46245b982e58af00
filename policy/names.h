/* Names with wildcards and the lists that they are collected in; for policy's own files and for service/config. */
#pragma once

#include <sallyport/types.h>

/* Whether the whole name matches: '*' stands for any run of characters, '?' for one. Linear in practice, at most
 * name.size * pattern.size steps for any pattern. */
bool policy_wildcard_matches(struct sp_span name, struct sp_span pattern);
bool policy_has_wildcard(struct sp_span name);

/* Characters that RFC 4251 section 6 allows in a name: printable US-ASCII but comma and white space, at most 64. */
bool policy_is_name(struct sp_span name);

/* Appends a name to a comma-separated list unless it is in there already; `out` turns full if there is no room. */
void policy_list_add(struct sp_out *list, struct sp_span name);
