/*
 * What the monitor wants to have kept for the one after it. Input: descriptors and names of its datagrams (ready.c). Output: the
 * descriptors that a new monitor is started with. As systemd does it: any number under one name, taken out by that name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "launch/launch.h"

/* An environment's string has room for 128 KiB, names and colons; what is more than that cannot be handed back. */
#define DESCRIPTORS_MAX 32768u
#define NAMES_OCTETS_MAX (120u * 1024u)
#define DESCRIPTORS_APART 256u /* of everything else of ours, listening sockets three times over */

bool fdstore_name_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size >= FDSTORE_NAME_MAX)
        return false;
    for (const char *at = name; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == ':')
            return false;
    return true;
}

/* To start a monitor takes them under two more numbers for a moment (descriptors_set()): that a connection is not kept is
 * better than that no monitor can be started at all any more. */
static size_t descriptors_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= DESCRIPTORS_APART)
        return 0;
    rlim_t most = (limit.rlim_cur - DESCRIPTORS_APART) / 3;
    return most < DESCRIPTORS_MAX ? (size_t)most : DESCRIPTORS_MAX;
}

static bool has_room(struct fdstore *store, const char *name)
{
    if (store->count >= descriptors_max() || store->octets + strlen(name) + 1 > NAMES_OCTETS_MAX)
        return false;
    if (store->count < store->room)
        return true;
    size_t room = store->room ? store->room * 2 : 64;
    struct fdstore_item *items = reallocarray(store->items, room, sizeof *items);
    if (!items)
        return false;
    store->items = items;
    store->room = room;
    return true;
}

void fdstore_add(struct fdstore *store, const char *name, int fd)
{
    if (!fdstore_name_valid(name) || !has_room(store, name)) {
        if (!store->refused)
            launch_say("the monitor wants more kept than there is room for, or under a bad name");
        store->refused = true;
        close(fd);
        return;
    }
    struct fdstore_item *item = &store->items[store->count++];
    *item = (struct fdstore_item){.fd = fd};
    snprintf(item->name, sizeof item->name, "%s", name);
    store->octets += strlen(name) + 1;
}

/* The last one takes the place of one that goes: their order means nothing. */
void fdstore_remove(struct fdstore *store, const char *name)
{
    for (size_t i = 0; i < store->count;) {
        if (strcmp(store->items[i].name, name) != 0) {
            i++;
            continue;
        }
        close(store->items[i].fd);
        store->octets -= strlen(name) + 1;
        store->items[i] = store->items[--store->count];
    }
}

void fdstore_free(struct fdstore *store)
{
    for (size_t i = 0; i < store->count; i++)
        close(store->items[i].fd);
    free(store->items);
    *store = (struct fdstore){0};
}
