/*
 * A worker from fork to exit. Input: a client's socket, a link to the monitor, what the zygote prepared. Output: one
 * served connection. Everything that a worker owns is in one mapping, of which the kernel gives it the pages that its
 * connection touches.
 */
#include "worker/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/loop.h"
#include "worker/confine.h"
#include "worker/connection.h"
#include "worker/loop.h"

enum {
    EXIT_SERVED = 0,
    EXIT_UNCONFINED = 70,
};

struct worker_memory {
    struct connection connection;
    struct link_inbox inbox;
};

static struct worker_memory *memory_map(void)
{
    struct worker_memory *memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void text_copy(char *to, size_t room, struct sp_span text)
{
    size_t size = size_min(text.size, room - 1);
    if (size != 0)
        memcpy(to, text.data, size);
    to[size] = 0;
}

/* Small packets are written whole, so waiting for more of them gains nothing. Sockets that are not TCP have no such
 * option and need none. */
static void client_set_up(int client, const struct config *config)
{
    int on = 1;
    fd_set_nonblocking(client);
    if (setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 && config->tcp_keep_alive)
        (void)!setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void connection_init(struct connection *c, const struct worker_birth *birth)
{
    c->id = birth->serve.connection;
    c->phase = PHASE_START;
    c->socket = birth->client;
    link_init(&c->monitor, birth->link, ROLE_WORKER, ROLE_MONITOR);
    c->session.fd = -1;
    c->setup = birth->setup;
    c->variant = birth->variant;
    c->hostkeys.offered = birth->setup->offer.keys;
    c->log =
        (struct log){.program = "sallyport-worker", .level = birth->setup->log_level, .link = &c->monitor};
    text_copy(c->remote_address, sizeof c->remote_address, birth->serve.remote_address);
    text_copy(c->local_address, sizeof c->local_address, birth->serve.local_address);
    c->remote_port = birth->serve.remote_port;
    c->local_port = birth->serve.local_port;
    c->proxy_step = birth->serve.proxied ? PROXY_HEADER : PROXY_NONE;
    c->transport.started_ms = clock_ms();
}

void worker_run(const struct worker_birth *birth)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    struct worker_memory *memory = memory_map();
    if (!memory)
        _exit(EXIT_UNCONFINED);
    struct connection *c = &memory->connection;
    c->inbox = &memory->inbox;
    client_set_up(birth->client, birth->setup->config);
    connection_init(c, birth);
    int r = confine_worker(birth->client, birth->link, birth->filter);
    if (r) {
        log_say(&c->log, LOG_LEVEL_ERROR, "worker_unconfined", "a worker could not be confined: %s",
                strerror(-r));
        _exit(EXIT_UNCONFINED);
    }
    connection_serve(c);
    _exit(EXIT_SERVED);
}
