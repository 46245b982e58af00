/* The workers that a zygote has forked and not yet reaped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"

struct child {
    pid_t pid;
    bool stopped; /* killed by us: its death says nothing about it */
    uint64_t connection;
};

struct children {
    struct child *list; /* owned */
    size_t count, room;
};

/* Makes sure that one more fits, before it is forked. 0 or -ENOMEM. */
int children_reserve(struct children *children) MUST_USE;
void children_add(struct children *children, pid_t pid, uint64_t connection);
/* NULL if no child that is still there serves that connection. */
struct child *children_find(const struct children *children, uint64_t connection);
/* Forgets the child of that pid: false if there is none. */
bool children_take(struct children *children, pid_t pid, struct child *taken);
void children_free(struct children *children);
