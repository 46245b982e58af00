/*
 * The service manager's descriptor store (FDSTORE=1, sd_notify(3)): what we give it lives on when we do not, and comes back
 * to who is started in our place, with LISTEN_FDS. By it open connections outlive a restart of this program, whether it is
 * orderly or not.
 *
 * What belongs together (the links of a connection, its worker's process and its record) is one slot: one message, one name,
 * and one message to take it all out again. A slot's name is "+" and its number in base 36: LISTEN_FDNAMES is one string of
 * the environment, and execve(2) takes none of more than 128 KiB. Therefore there is a number of slots.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct monitor;

#define STORE_SLOTS_MAX 6144u /* with four descriptors each, names and colons: 115 KiB */
#define STORE_FDS_MAX 4u
#define STORE_NAME_MAX 8u

enum store_state {
    STORE_FREE = 0,
    STORE_ADDING,    /* not sent yet */
    STORE_CANCELLED, /* nor needed any more */
    STORE_KEPT,
    STORE_DROPPING, /* to be taken out */
};

struct store_slot {
    enum store_state state;
    uint8_t fd_count;
    uint16_t next;          /* in the queue of what is to be sent; 0: the last */
    int fds[STORE_FDS_MAX]; /* owned, until they are sent */
};

/* One that came back. */
struct store_taken {
    uint16_t slot;
    int fd; /* owned */
};

struct store {
    bool on;                  /* new ones are kept */
    bool full_said;           /* in the log, once */
    struct store_slot *slots; /* [STORE_SLOTS_MAX + 1], the first unused; NULL: no store */
    uint16_t first, last;     /* to be sent */
    uint16_t looked_at;       /* where a free one was found last */
    struct store_taken *taken;
    size_t taken_count, taken_room;
};

/* Whether a descriptor that was handed over is one of ours that came back: taken, then. */
bool store_take(struct store *store, int fd, const char *name);
/* What came back is known, in the order of slots. keep: whether new ones are to be kept. 0 or -ENOMEM. */
int store_open(struct monitor *m, bool keep) MUST_USE;
void store_close(struct store *store);

/* Has these kept, which stay the caller's. The slot; 0: there is no store, or no room in it. */
uint16_t store_add(struct monitor *m, const int *fds, size_t count);
/* They are not needed any more; *slot becomes 0. 0 is fine. The number is free again when that has been said. */
void store_drop(struct monitor *m, uint16_t *slot);
/* Sends what waits: 0, or -EAGAIN if not all was taken. By notify_pump(). */
int store_pump(struct monitor *m) MUST_USE;
bool store_is_settled(const struct store *store);

/* "+4k". False from a name that is none: 0 < *slot <= STORE_SLOTS_MAX. */
void store_name(uint16_t slot, char name[STORE_NAME_MAX]);
bool store_name_read(const char *name, uint16_t *slot);
