/* Handing clients to the zygote. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct connection;
struct monitor;

/* Workers that have to go and of whom there was no zygote to tell. Those that have ended make room. */
#define WORKER_STOPS_MAX 1024u

struct worker_stop {
    uint64_t connection;
    int process_fd; /* owned */
};

struct worker_stops {
    struct worker_stop list[WORKER_STOPS_MAX];
    size_t count;
};

void worker_stops_close(struct worker_stops *stops);

/* Has a worker forked for it; worker_fd: the worker's end of its link, not taken. False: it cannot be now. */
_Bool connection_serve(struct connection *c, int worker_fd);
