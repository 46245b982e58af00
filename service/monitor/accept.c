/* New clients: accepted, admitted or refused, and handed to the zygote. Input: addresses, and nothing else of them. */
#include "monitor/accept.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/loop.h"

#include "monitor/monitor.h"
#include "monitor/on_connection.h"
#include "monitor/on_zygote.h"
#include "monitor/record.h"

#define CLIENTS_PER_TURN 16

struct client {
    int fd; /* owned */
    const struct listener *listener;
    struct address remote, local;
    struct address_block source;
};

static void client_close(struct client *client)
{
    cleanup_close(&client->fd);
}

/* Plain text instead of an identification string, as sshd does it: clients show it to their users. */
static void client_refuse(struct monitor *m, const struct client *client, enum admission_verdict verdict)
{
    const char *line = admission_line(verdict);
    const struct record_number port = record_number(client->remote.port);
    const struct record_number local_port = record_number(client->local.port);
    const struct log_field fields[] = {{"reason", sp_text(admission_reason(verdict))},
                                       {"peer", sp_text(client->remote.text)},
                                       {"peer_port", sp_text(port.text)},
                                       {"local_address", sp_text(client->local.text)},
                                       {"local_port", sp_text(local_port.text)}};
    observe_refused(m, &client->remote, &client->source, verdict);
    (void)!send(client->fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    monitor_log(m, NULL, LOG_LEVEL_NOTICE, "refused", fields, ARRAY_SIZE(fields),
                "drop connection #%" PRIu32 " from [%s]:%u on [%s]:%u %s", m->admission.startups,
                client->remote.text, client->remote.port, client->local.text, client->local.port,
                admission_phrase(verdict));
}

static struct connection *ticket_holder(struct admission_ticket *ticket)
{
    return (struct connection *)((char *)ticket - offsetof(struct connection, ticket));
}

static void ticket_end(struct admission_ticket *victim)
{
    struct connection *c = ticket_holder(victim);
    c->end.word = "replaced";
    observe_refused(c->monitor, &c->remote, &c->source, ADMISSION_E_REPLACE);
    connection_drop_login(c);
    connection_finish(c);
}

enum admission_verdict source_admit(struct monitor *m, const struct address_block *source,
                                    uint32_t connections_max)
{
    struct admission_limits limits = m->generations.current->limits;
    struct admission_ticket *victim = NULL;
    limits.connections = connections_max;
    enum admission_verdict verdict =
        admission_check(&m->admission, &limits, source, arc4random_uniform(100), clock_ms(), &victim);
    if (verdict != ADMISSION_E_REPLACE)
        return verdict;
    ticket_end(victim);
    return ADMISSION_OK;
}

/*
 * Who may speak for others there we know from the kernel and from our configuration. How many connections have no word of
 * theirs yet is limited for itself, as no address of a client's is known to count them by: as many as MaxStartups allows
 * at all, and of balancers the one that holds most makes room for the others.
 */
static enum admission_verdict balancer_admit(struct monitor *m, const struct client *client)
{
    const struct generation *g = m->generations.current;
    const struct admission_limits limits = {.begin = g->limits.full,
                                            .rate = 100,
                                            .full = g->limits.full,
                                            .per_source = UINT32_MAX,
                                            .connections = g->limits.connections};
    struct admission_ticket *victim = NULL;
    if (!config_proxy_is_trusted(g->config, client->remote.text))
        return ADMISSION_E_UNTRUSTED;
    m->awaited.connections = m->admission.connections;
    enum admission_verdict verdict =
        admission_check(&m->awaited, &limits, &client->source, 0, clock_ms(), &victim);
    if (verdict != ADMISSION_E_REPLACE)
        return verdict;
    ticket_end(victim);
    return ADMISSION_OK;
}

/* True if the client may come in; who has to go for it has been told. */
static bool client_admit(struct monitor *m, const struct client *client)
{
    enum admission_verdict verdict =
        client->listener->is_proxied
            ? balancer_admit(m, client)
            : source_admit(m, &client->source, m->generations.current->limits.connections);
    if (verdict != ADMISSION_OK)
        client_refuse(m, client, verdict);
    return verdict == ADMISSION_OK;
}

static int client_begin(struct monitor *m, struct client *client)
{
    struct connection *c;
    CLEANUP_CLOSE int worker_fd = -1;
    int r = connection_new(m, client->fd, &client->remote, &client->local, &client->source, client->listener,
                           &c, &worker_fd);
    if (r)
        return r;
    client->fd = -1;
    if (c->balancer.step == BALANCER_NONE)
        record_accepted(c); /* else when it is known whose it is */
    connection_wait_grace(c);
    if (!c->gone && !connection_serve(c, worker_fd)) {
        c->end.word = "no_worker";
        connection_finish(c);
    }
    return 0;
}

static void addresses_read(struct monitor *m, struct client *client, const struct sockaddr_storage *remote)
{
    struct sockaddr_storage local = {0};
    socklen_t size = sizeof local;
    const struct config *config = m->generations.current->config;
    client->remote = address_of(remote);
    if (getsockname(client->fd, (struct sockaddr *)&local, &size) == 0)
        client->local = address_of(&local);
    client->source = address_block_of(remote, config->netblock_ipv4, config->netblock_ipv6);
}

/* 0: go on; negative: nothing more now. */
static int client_accept(const struct listener *listener, int fd)
{
    struct sockaddr_storage remote = {0};
    socklen_t size = sizeof remote;
    struct monitor *m = listener->monitor;
    CLEANUP(client_close) struct client client = {.fd = -1, .listener = listener};
    client.fd = accept4(fd, (struct sockaddr *)&remote, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client.fd < 0 && (errno == ECONNABORTED || errno == EINTR))
        return 0; /* that one has gone; there may be others */
    if (client.fd < 0)
        return -errno;
    addresses_read(m, &client, &remote);
    return client_admit(m, &client) ? client_begin(m, &client) : 0;
}

int on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
    const struct listener *listener = context;
    struct monitor *m = listener->monitor;
    int r = 0;
    (void)source;
    (void)events;
    for (int i = 0; i < CLIENTS_PER_TURN && r == 0 && m->listeners.open; i++)
        r = client_accept(listener, fd);
    if (r && r != -EAGAIN)
        listeners_pause(m, -r);
    return 0;
}

/*
 * A zygote that died took the clients with it that it had not forked for yet. A worker's first act is to send its
 * identification string (RFC 4253 section 4.2): if not one octet has left, none has begun, and another one can. Behind a
 * balancer its first act is to read: all octets that came have to be there still.
 */
static bool all_is_unread(const struct connection *c, const struct tcp_info *info, socklen_t size)
{
    int unread = 0;
    return size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info->tcpi_bytes_received &&
           ioctl(c->client_fd, FIONREAD, &unread) == 0 && (uint64_t)unread == info->tcpi_bytes_received;
}

static bool client_is_untouched(const struct connection *c)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (c->gone || c->timer_kind != TIMER_REAP || c->client_fd < 0 || c->worker_exited || c->served_again)
        return false;
    if (getsockopt(c->client_fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return false;
    if (c->balancer.step != BALANCER_NONE && !all_is_unread(c, &info, size))
        return false;
    return size >= offsetof(struct tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent &&
           info.tcpi_bytes_sent == 0;
}

static void client_serve_again(struct connection *c)
{
    CLEANUP_CLOSE int worker_fd = -1;
    c->served_again = true;
    if (connection_open_worker(c, &worker_fd) || !connection_serve(c, worker_fd)) {
        connection_finish(c);
        return;
    }
    connection_wait_grace(c);
}

void clients_serve_again(struct monitor *m)
{
    for (struct connection *c = m->connections.first, *next; c; c = next) {
        next = c->next;
        if (client_is_untouched(c))
            client_serve_again(c);
    }
}
