/*
 * Algorithm names as RFC 4251 section 6 has them, wildcards over them, and growing a list of them. Input: spans of a
 * configured list. Output: verdicts, and lists in the caller's room.
 */
#include "policy/names.h"

#include <sallyport/wire.h>

#define NAME_MAX_SIZE 64u

/* Walks both at once; on a mismatch it goes back to the latest '*' alone, which is enough, so no recursion. */
bool policy_wildcard_matches(struct sp_span name, struct sp_span pattern)
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

bool policy_has_wildcard(struct sp_span name)
{
    return name.size != 0 &&
           (memchr(name.data, '*', name.size) != NULL || memchr(name.data, '?', name.size) != NULL);
}

bool policy_is_name(struct sp_span name)
{
    if (name.size == 0 || name.size > NAME_MAX_SIZE)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == ',')
            return false;
    return true;
}

void policy_list_add(struct sp_out *list, struct sp_span name)
{
    if (name.size == 0 || sp_list_has(sp_written(list), name))
        return;
    if (list->size != 0)
        sp_put_u8(list, ',');
    sp_put_raw(list, name);
}
