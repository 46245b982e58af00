/* A worker's birth: what a forked child of the zygote does before it serves its client. */
#pragma once

#include "base/sandbox.h"
#include "base/util.h"
#include "ipc/messages.h"
#include "worker/setup.h"

struct worker_birth {
    const struct worker_setup *setup;
    const struct worker_variant *variant; /* of the setup: the policy of this client */
    const struct sandbox_filter *filter;
    struct msg_serve serve; /* spans into the zygote's inbox */
    int client, link;       /* owned by the worker from now on */
};

/* Never returns: the process ends with the connection. */
NORETURN void worker_run(const struct worker_birth *birth);
