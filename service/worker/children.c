/* Which process serves which connection. Input: forks and deaths, by zygote.c. Output: the connection of a death. */
#include "worker/children.h"

#include <errno.h>

#define CHILDREN_FIRST 64u

int children_reserve(struct children *children)
{
    if (children->count < children->room)
        return 0;
    size_t room = children->room ? children->room * 2 : CHILDREN_FIRST;
    struct child *list = reallocarray(children->list, room, sizeof *list);
    if (!list)
        return -ENOMEM;
    children->list = list;
    children->room = room;
    return 0;
}

void children_add(struct children *children, pid_t pid, uint64_t connection)
{
    children->list[children->count++] = (struct child){.pid = pid, .connection = connection};
}

struct child *children_find(const struct children *children, uint64_t connection)
{
    for (size_t i = 0; i < children->count; i++)
        if (children->list[i].connection == connection)
            return &children->list[i];
    return NULL;
}

bool children_take(struct children *children, pid_t pid, struct child *taken)
{
    for (size_t i = 0; i < children->count; i++)
        if (children->list[i].pid == pid) {
            *taken = children->list[i];
            children->list[i] = children->list[--children->count];
            return true;
        }
    return false;
}

void children_free(struct children *children)
{
    free(children->list);
    *children = (struct children){0};
}
