/* The descriptor store. Input: descriptors of connections, and those that come back. Output: datagrams to the service manager,
 * by notify.c. What waits to be sent waits in its slot, so there is nothing here that grows. */
#include "monitor/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#include "monitor/monitor.h"

#define NAME_DIGITS_MAX 3u

/* ---- names ------------------------------------------------------------------------------------------------- */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void store_name(uint16_t slot, char name[STORE_NAME_MAX])
{
    char reversed[NAME_DIGITS_MAX + 1];
    size_t count = 0, size = 0;
    do
        reversed[count++] = digits[slot % 36];
    while ((slot /= 36) != 0);
    name[size++] = '+';
    while (count != 0)
        name[size++] = reversed[--count];
    name[size] = '\0';
}

/* In one form only. */
bool store_name_read(const char *name, uint16_t *slot)
{
    unsigned value = 0;
    size_t size = strlen(name);
    if (size < 2 || size > 1 + NAME_DIGITS_MAX || name[0] != '+' || name[1] == '0')
        return false;
    for (const char *at = name + 1; *at; at++) {
        const char *digit = strchr(digits, *at);
        if (!digit)
            return false;
        value = value * 36 + (unsigned)(digit - digits);
    }
    if (value > STORE_SLOTS_MAX)
        return false;
    *slot = (uint16_t)value;
    return true;
}

static void slot_close(struct store_slot *s)
{
    for (size_t i = 0; i < s->fd_count; i++)
        close(s->fds[i]);
    s->fd_count = 0;
}

/* ---- what came back ---------------------------------------------------------------------------------------- */

/* Names with "+" are nobody else's. One that we have no slot for is none of this version's, and is of no use. */
bool store_take(struct store *store, int fd, const char *name)
{
    uint16_t slot;
    if (name[0] != '+')
        return false;
    if (store->taken_count == store->taken_room) {
        size_t room = store->taken_room ? store->taken_room * 2 : 64;
        struct store_taken *taken = reallocarray(store->taken, room, sizeof *taken);
        store->taken = taken ? taken : store->taken;
        store->taken_room = taken ? room : store->taken_room;
    }
    if (store->taken_count == store->taken_room || !store_name_read(name, &slot)) {
        close(fd);
        return true;
    }
    store->taken[store->taken_count++] = (struct store_taken){.slot = slot, .fd = fd};
    return true;
}

static int taken_compare(const void *a, const void *b)
{
    const struct store_taken *left = a, *right = b;
    return left->slot != right->slot ? (left->slot < right->slot ? -1 : 1) : (left->fd < right->fd ? -1 : 1);
}

int store_open(struct monitor *m, bool keep)
{
    struct store *store = &m->store;
    if (!keep && store->taken_count == 0)
        return 0;
    store->slots = calloc(STORE_SLOTS_MAX + 1, sizeof *store->slots);
    if (!store->slots)
        return -ENOMEM;
    store->on = keep;
    for (size_t i = 0; i < store->taken_count; i++)
        store->slots[store->taken[i].slot].state = STORE_KEPT;
    if (store->taken_count != 0)
        qsort(store->taken, store->taken_count, sizeof *store->taken, taken_compare);
    return 0;
}

void store_close(struct store *store)
{
    for (size_t i = 0; i < store->taken_count; i++)
        cleanup_close(&store->taken[i].fd);
    for (uint16_t slot = store->first; slot != 0; slot = store->slots[slot].next)
        slot_close(&store->slots[slot]);
    free(store->taken);
    free(store->slots);
    *store = (struct store){0};
}

/* ---- keeping ----------------------------------------------------------------------------------------------- */

static void slot_queue(struct store *store, uint16_t slot)
{
    store->slots[slot].next = 0;
    *(store->last ? &store->slots[store->last].next : &store->first) = slot;
    store->last = slot;
}

static uint16_t slot_find(struct store *store)
{
    for (unsigned i = 0; i < STORE_SLOTS_MAX; i++) {
        uint16_t slot = (uint16_t)((store->looked_at + i) % STORE_SLOTS_MAX + 1);
        if (store->slots[slot].state == STORE_FREE) {
            store->looked_at = slot;
            return slot;
        }
    }
    return 0;
}

/* Of their own: they may have to wait, and the caller's may be closed meanwhile. */
static int slot_fill(struct store_slot *s, const int *fds, size_t count)
{
    *s = (struct store_slot){.state = STORE_ADDING};
    for (size_t i = 0; i < count; i++) {
        int copy = fd_duplicate(fds[i]);
        if (copy < 0) {
            slot_close(s);
            *s = (struct store_slot){0};
            return copy;
        }
        s->fds[s->fd_count++] = copy;
    }
    return 0;
}

uint16_t store_add(struct monitor *m, const int *fds, size_t count)
{
    struct store *store = &m->store;
    uint16_t slot = store->on && count <= STORE_FDS_MAX ? slot_find(store) : 0;
    if (slot == 0) {
        if (store->on && !store->full_said)
            monitor_say(m, NULL, LOG_LEVEL_WARNING, "store_full",
                        "More than %u connections: further ones are not kept when this program is restarted",
                        STORE_SLOTS_MAX);
        store->full_said = store->full_said || store->on;
        return 0;
    }
    if (slot_fill(&store->slots[slot], fds, count))
        return 0;
    slot_queue(store, slot);
    notify_pump(m);
    return slot;
}

void store_drop(struct monitor *m, uint16_t *slot)
{
    struct store *store = &m->store;
    uint16_t number = *slot;
    *slot = 0;
    if (number == 0)
        return;
    struct store_slot *s = &store->slots[number];
    if (s->state == STORE_ADDING) {
        s->state = STORE_CANCELLED; /* it stands in the queue already */
        return;
    }
    s->state = STORE_DROPPING;
    slot_queue(store, number);
    notify_pump(m);
}

/* FDPOLL=0: a link that the other side has closed may still hold its last words. */
static int slot_send(struct monitor *m, uint16_t slot)
{
    const struct store_slot *s = &m->store.slots[slot];
    char name[STORE_NAME_MAX], text[64];
    if (s->state == STORE_CANCELLED)
        return 0;
    store_name(slot, name);
    snprintf(text, sizeof text, "%s\nFDNAME=%s\n",
             s->state == STORE_ADDING ? "FDSTORE=1\nFDPOLL=0" : "FDSTOREREMOVE=1", name);
    return notify_send(m, text, s->fds, s->fd_count);
}

/*
 * What cannot be sent at all, to a service manager that has gone, is as if it had been: nobody is left who would hand it
 * back. The socket keeps the order, so a number may be used again as soon as its removal is on the way.
 */
int store_pump(struct monitor *m)
{
    struct store *store = &m->store;
    while (store->first) {
        struct store_slot *s = &store->slots[store->first];
        if (slot_send(m, store->first) == -EAGAIN)
            return -EAGAIN;
        store->first = s->next;
        if (!store->first)
            store->last = 0;
        s->state = s->state == STORE_ADDING ? STORE_KEPT : STORE_FREE;
        slot_close(s);
    }
    return 0;
}

bool store_is_settled(const struct store *store)
{
    return store->first == 0;
}
