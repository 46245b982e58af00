/* Wildcards of sshd_config(5). Input: spans of a list. Output: verdicts. */
#include "base/wildcard.h"

/* Walks both at once; on a mismatch it goes back to the latest '*' alone, which is enough, so no recursion. */
bool wildcard_matches(struct sp_span name, struct sp_span pattern)
{
    size_t n = 0, p = 0, star = SIZE_MAX, star_n = 0;
    while (n < name.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            star_n = n;
        } else if (p < pattern.size && (pattern.data[p] == '?' || pattern.data[p] == name.data[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++star_n;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

bool wildcard_is_in(struct sp_span name)
{
    return name.size != 0 &&
           (memchr(name.data, '*', name.size) != NULL || memchr(name.data, '?', name.size) != NULL);
}
