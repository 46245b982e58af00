/*
 * Algorithm names as RFC 4251 section 6 has them, and growing a list of them. Input: spans of a
 * configured list. Output: verdicts, and lists in the caller's room.
 */
#include "policy/names.h"

#include <sallyport/wire.h>

#define NAME_MAX_SIZE 64u

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
