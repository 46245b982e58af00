/*
 * Listening sockets and what happens at accept(2). Input: the service manager's descriptors or the configuration, and
 * clients. Output: connections handed to the zygote, or a short refusal. No byte of a client is read.
 */
#include "monitor/listeners.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#include "config/listen.h"

#include "monitor/accept.h"
#include "monitor/monitor.h"

#define PAUSE_MS 1000u

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

bool listeners_take(struct monitor *m)
{
    struct listen_sockets *sockets = &m->listeners.sockets;
    int count = fd_listen_count();
    for (int fd = 3; fd < 3 + count; fd++) {
        if (store_take(&m->store, fd, fd_listen_name(fd)) || control_take(&m->control, fd))
            continue;
        if (sockets->count == LISTEN_SOCKETS_MAX || !is_listening(fd)) {
            close(fd);
            continue;
        }
        fd_set_nonblocking(fd);
        sockets->fds[sockets->count++] = fd;
    }
    m->listeners.handed_over = sockets->count != 0;
    return m->listeners.handed_over;
}

static int listeners_bind(struct monitor *m, const struct config *config)
{
    struct config_error error;
    int r = config_listen(config, &m->listeners.sockets, &error);
    if (r)
        monitor_say(m, NULL, LOG_LEVEL_ERROR, "listen_failed", "%s", error.text);
    return r > 0 ? -EINVAL : r;
}

static void listener_report(struct monitor *m, const struct listener *listener, int fd)
{
    char text[LISTEN_TEXT_MAX];
    listen_text(fd, text, sizeof text);
    const struct log_field fields[] = {{"address", sp_text(text)},
                                       {"listener", sp_text(listener->name)},
                                       {"proxied", sp_text(listener->is_proxied ? "yes" : "no")}};
    monitor_log(m, NULL, LOG_LEVEL_INFO, "listening", fields, ARRAY_SIZE(fields),
                "Server listening on %s%s%s%s%s", text,
                m->listeners.handed_over ? " (socket handed over)" : "",
                strcmp(text, listener->name) != 0 ? ", called " : "",
                strcmp(text, listener->name) != 0 ? listener->name : "",
                listener->is_proxied ? ", for balancers alone" : "");
}

int listeners_open(struct monitor *m, const struct config *config)
{
    return m->listeners.handed_over ? 0 : listeners_bind(m, config);
}

static void listener_take(struct monitor *m, struct listener *listener, int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    listener->monitor = m;
    listener->given = m->listeners.handed_over ? fd_listen_name(fd) : "";
    if (getsockname(fd, (struct sockaddr *)&at, &size) == 0)
        listener->address = address_of(&at);
}

int listeners_watch(struct monitor *m)
{
    for (size_t i = 0; i < m->listeners.sockets.count; i++) {
        struct listener *listener = &m->listeners.each[i];
        int fd = m->listeners.sockets.fds[i];
        listener_take(m, listener, fd);
        int r = sd_event_add_io(m->event, &listener->source, fd, EPOLLIN, on_client, listener);
        /* Not after the others: a worker that never stops talking would keep new clients out. */
        if (r >= 0)
            r = sd_event_source_set_priority(listener->source, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
            r = sd_event_source_set_enabled(listener->source, SD_EVENT_OFF);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- a configuration in force ------------------------------------------------------------------------------ */

/* Told when it is new: at first, and when a reload has made something else of it. */
static void listener_name(struct monitor *m, struct listener *listener, int fd, const struct config *config)
{
    const struct listener before = *listener;
    config_listener_name(config, listener->address.text, listener->address.port, listener->given,
                         listener->name);
    listener->is_proxied = config_listener_is_proxied(config, listener->name, listener->address.port);
    if (!listener->is_named || strcmp(before.name, listener->name) != 0 ||
        before.is_proxied != listener->is_proxied)
        listener_report(m, listener, fd);
    listener->is_named = true;
}

/* A balancer that is pointed at a socket which expects none is refused there: a name that was misspelled is to be seen
 * before that. */
static void proxied_names_check(struct monitor *m, const struct config *config)
{
    const struct config_list *list = &config->proxy_protocol;
    for (size_t i = 0; i < list->count; i++) {
        bool found = strcmp(list->items[i], "none") == 0;
        for (size_t k = 0; k < m->listeners.sockets.count; k++)
            found = found || config_listener_is(list->items[i], m->listeners.each[k].name,
                                                m->listeners.each[k].address.port);
        const struct log_field fields[] = {{"listener", sp_text(list->items[i])}};
        if (!found)
            monitor_log(m, NULL, LOG_LEVEL_WARNING, "listener_unknown", fields, ARRAY_SIZE(fields),
                        "ProxyProtocol: there is no listening socket with that name or port: %s",
                        list->items[i]);
    }
}

/* accept(2)ed sockets inherit the options, which saves two calls for each client. */
void listeners_configure(struct monitor *m, const struct config *config)
{
    static const int on = 1;
    int keep_alive = config->tcp_keep_alive;
    for (size_t i = 0; i < m->listeners.sockets.count; i++) {
        int fd = m->listeners.sockets.fds[i];
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on what is not TCP */
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &keep_alive, sizeof keep_alive);
        listener_name(m, &m->listeners.each[i], fd, config);
    }
    proxied_names_check(m, config);
}

/* ---- deaf or not ------------------------------------------------------------------------------------------- */

void listeners_enable(struct monitor *m, bool enable)
{
    struct listeners *l = &m->listeners;
    enable = enable && !l->pause;
    if (l->open == enable)
        return;
    l->open = enable;
    for (size_t i = 0; i < l->sockets.count; i++)
        (void)sd_event_source_set_enabled(l->each[i].source, enable ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *context)
{
    struct monitor *m = context;
    (void)source;
    (void)usec;
    m->listeners.pause = sd_event_source_disable_unref(m->listeners.pause);
    monitor_update(m);
    return 0;
}

/* The waiting client would wake us again at once, for nothing. */
void listeners_pause(struct monitor *m, int error)
{
    if (m->listeners.pause)
        return;
    monitor_say(m, NULL, LOG_LEVEL_WARNING, "accept_failed", "Cannot accept clients for a moment: %s",
                strerror(error));
    if (sd_event_add_time_relative(m->event, &m->listeners.pause, CLOCK_MONOTONIC, PAUSE_MS * 1000, 0,
                                   on_pause_over, m) >= 0)
        listeners_enable(m, false);
}

void listeners_close(struct monitor *m)
{
    struct listeners *l = &m->listeners;
    for (size_t i = 0; i < l->sockets.count; i++)
        l->each[i].source = sd_event_source_disable_unref(l->each[i].source);
    l->pause = sd_event_source_disable_unref(l->pause);
    listen_close(&l->sockets);
    l->open = false;
}
