/* The prepared parent of all workers. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/util.h"

struct manager;
struct sandbox_filter;

struct zygote_options {
    int listener;      /* owned by the zygote: a listening SEQPACKET socket */
    uid_t monitor_uid; /* who besides root may be the monitor */
    const struct sandbox_filter *filter;
    const struct manager *manager; /* told that we are ready, and that we are alive */
    bool is_closed;                /* no file can be opened any more (Landlock) */
};

/* Serves one monitor after the other until told to end. An exit status. */
int zygote_run(const struct zygote_options *options);
