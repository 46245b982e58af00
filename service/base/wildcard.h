/* Wildcards of sshd_config(5): '*' and '?'. */
#pragma once

#include <sallyport/types.h>

/* Whether the whole name matches: '*' stands for any run of characters, '?' for one. Linear in practice, at most
 * name.size * pattern.size steps for any pattern. */
bool wildcard_matches(struct sp_span name, struct sp_span pattern);
/* Whether there is one in the text at all. */
bool wildcard_is_in(struct sp_span text);
