/* Handing clients to the zygote. */
#pragma once

struct connection;

/* Has a worker forked for it; worker_fd: the worker's end of its link, not taken. False: it cannot be now. */
_Bool connection_serve(struct connection *c, int worker_fd);
