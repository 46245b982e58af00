/* The workers that a zygote has forked and not yet reaped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"

struct child {
    pid_t pid;
    uint64_t connection;
};

struct children {
    struct child *list; /* owned */
    size_t count, room;
};

/* Makes sure that one more fits, before it is forked. 0 or -ENOMEM. */
int children_reserve(struct children *children) MUST_USE;
void children_add(struct children *children, pid_t pid, uint64_t connection);
/* Forgets the child of that pid: false if there is none. */
bool children_take(struct children *children, pid_t pid, uint64_t *connection);
void children_free(struct children *children);
