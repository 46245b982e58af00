/*
 * The exporter. Input: HTTP requests of whoever may connect to its socket (RFC 9112, of which it needs the first line and the end
 * of the head). Output: the figures. One answer per connection; every wait is bounded.
 */
#include "ctl/metrics_serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/loop.h"

#include "ctl/openmetrics.h"

/* ---- requests ---------------------------------------------------------------------------------------------- */

static bool span_begins(struct sp_span text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.data, with, size) == 0;
}

/* "GET /metrics HTTP/1.1": what stands between the method and the version. */
static unsigned target_judge(struct sp_span rest)
{
    const uint8_t *end = memchr(rest.data, ' ', rest.size);
    if (!end)
        return 400;
    struct sp_span target = sp_span_of(rest.data, (size_t)(end - rest.data));
    struct sp_span version = sp_span_of(end + 1, rest.size - target.size - 1);
    const uint8_t *query = target.size ? memchr(target.data, '?', target.size) : NULL;
    if (!sp_span_is(version, "HTTP/1.1") && !sp_span_is(version, "HTTP/1.0"))
        return 400;
    if (query)
        target.size = (size_t)(query - target.data);
    return sp_span_is(target, "/metrics") ? 200 : 404;
}

unsigned serve_judge(struct sp_span request, bool *head_only)
{
    *head_only = false;
    if (!request.data)
        return 0;
    const uint8_t *end = memmem(request.data, request.size, "\r\n\r\n", 4);
    if (!end)
        return request.size >= SERVE_HEAD_MAX ? 400 : 0;
    const uint8_t *eol = memmem(request.data, request.size, "\r\n", 2);
    struct sp_span line = sp_span_of(request.data, (size_t)(eol - request.data));
    *head_only = span_begins(line, "HEAD ");
    if (*head_only)
        return target_judge(sp_span_of(line.data + 5, line.size - 5));
    if (span_begins(line, "GET "))
        return target_judge(sp_span_of(line.data + 4, line.size - 4));
    return memchr(line.data, ' ', line.size) ? 405 : 400;
}

static const char *status_words(unsigned status)
{
    static const struct {
        unsigned status;
        const char *words;
    } rows[] = {{200, "OK"}, {400, "Bad Request"}, {404, "Not Found"}, {405, "Method Not Allowed"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].status == status)
            return rows[i].words;
    return "Service Unavailable";
}

/* ---- clients ----------------------------------------------------------------------------------------------- */

struct serve_client {
    int fd; /* -1: a free place */
    uint64_t until_ms;
    char head[SERVE_HEAD_MAX];
    size_t used;
    char *answer; /* owned; NULL: the request is not whole */
    size_t size, sent;
};

struct server {
    const struct ctl_options *options;
    int listener;
    struct serve_client clients[SERVE_CLIENTS_MAX];
    char *text; /* owned; what the server said last */
    size_t text_size;
    uint64_t text_ms;
};

static void client_drop(struct serve_client *c)
{
    close(c->fd);
    free(c->answer);
    c->answer = NULL;
    c->fd = -1;
}

static bool text_refresh(struct server *s)
{
    char *text;
    size_t size = 0;
    if (s->text && clock_ms() - s->text_ms < SERVE_FRESH_MS)
        return true;
    if (metrics_text(s->options, &text, &size)) {
        free(text);
        return false;
    }
    free(s->text);
    s->text = text;
    s->text_size = size;
    s->text_ms = clock_ms();
    return true;
}

static void answer_make(struct server *s, struct serve_client *c, unsigned status, bool head_only)
{
    if (status == 200 && !text_refresh(s))
        status = 503;
    bool good = status == 200;
    const char *body = good ? s->text : status_words(status);
    size_t body_size = good ? s->text_size : strlen(body);
    FILE *out = open_memstream(&c->answer, &c->size);
    if (!out) {
        client_drop(c);
        return;
    }
    fprintf(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
            status, status_words(status), good ? OPENMETRICS_TYPE : "text/plain; charset=utf-8", body_size,
            status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (!head_only)
        fwrite(body, 1, body_size, out);
    if (fclose(out) != 0)
        client_drop(c);
    c->sent = 0;
}

static void client_read(struct server *s, struct serve_client *c)
{
    bool head_only;
    ssize_t n = read(c->fd, c->head + c->used, sizeof c->head - c->used);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_drop(c);
        return;
    }
    c->used += (size_t)n;
    unsigned status = serve_judge(sp_span_of((const uint8_t *)c->head, c->used), &head_only);
    if (status == 0)
        return;
    c->until_ms = clock_ms() + SERVE_TIME_MS;
    answer_make(s, c, status, head_only);
}

static void client_write(struct serve_client *c)
{
    ssize_t n = send(c->fd, c->answer + c->sent, c->size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        c->sent += (size_t)n;
    if (n < 0 || c->sent == c->size)
        client_drop(c);
}

static void client_accept(struct server *s)
{
    for (size_t i = 0; i < SERVE_CLIENTS_MAX; i++) {
        struct serve_client *c = &s->clients[i];
        if (c->fd >= 0)
            continue;
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        *c = (struct serve_client){.fd = fd, .until_ms = clock_ms() + SERVE_TIME_MS};
        return;
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

/* The listener is not looked at while there is no place. Returns how long to wait. */
static int polls_fill(const struct server *s, struct pollfd polls[SERVE_CLIENTS_MAX + 1])
{
    uint64_t now = clock_ms(), next = UINT64_MAX;
    bool room = false;
    for (size_t i = 0; i < SERVE_CLIENTS_MAX; i++) {
        const struct serve_client *c = &s->clients[i];
        polls[i] = (struct pollfd){.fd = c->fd, .events = c->answer ? POLLOUT : POLLIN};
        room |= c->fd < 0;
        if (c->fd >= 0 && c->until_ms < next)
            next = c->until_ms;
    }
    polls[SERVE_CLIENTS_MAX] = (struct pollfd){.fd = room ? s->listener : -1, .events = POLLIN};
    return next == UINT64_MAX ? -1 : next > now ? (int)(next - now) : 0;
}

static void client_turn(struct server *s, struct serve_client *c, short events)
{
    if (clock_ms() >= c->until_ms)
        client_drop(c);
    else if (events != 0 && c->answer)
        client_write(c);
    else if (events != 0)
        client_read(s, c);
}

static int serve(struct server *s)
{
    for (;;) {
        struct pollfd polls[SERVE_CLIENTS_MAX + 1];
        int wait_ms = polls_fill(s, polls);
        if (poll(polls, SERVE_CLIENTS_MAX + 1, wait_ms) < 0 && errno != EINTR)
            return ctl_fail("cannot wait for clients: %s", strerror(errno));
        for (size_t i = 0; i < SERVE_CLIENTS_MAX; i++)
            if (polls[i].fd >= 0)
                client_turn(s, &s->clients[i], polls[i].revents);
        if (polls[SERVE_CLIENTS_MAX].revents & POLLIN)
            client_accept(s);
    }
}

/* ---- the socket -------------------------------------------------------------------------------------------- */

/* A socket that is there and that nobody listens on is left over from before; one that somebody listens on is not ours. */
static int left_over_remove(const struct sockaddr_un *at)
{
    struct stat st;
    if (lstat(at->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!S_ISSOCK(st.st_mode) || fd < 0)
        return -EEXIST;
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(at->sun_path) < 0 ? -errno : 0;
}

/* Whoever may reach it by its directory and its mode may read the figures: 0660, for its owner's group. */
static int socket_bind(const char *path, int *listener)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof at.sun_path)
        return ctl_misuse("--serve: expected unix: with an absolute path of at most %zu octets, got \"%s\"",
                          sizeof at.sun_path - 1, path);
    memcpy(at.sun_path, path, strlen(path));
    int r = left_over_remove(&at);
    if (r)
        return ctl_fail("%s: %s", path, strerror(-r));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0117);
    r = fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 16) < 0 ? -errno : 0;
    umask(mask);
    if (r && fd >= 0)
        close(fd);
    if (r)
        return ctl_fail("%s: %s", path, strerror(-r));
    *listener = fd;
    return 0;
}

static bool socket_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* No TCP: whom the network lets at the figures is for a program to decide that is made for it. */
static int socket_inherit(int *listener)
{
    int count = fd_listen_count();
    if (count != 1 || !socket_is(3, SO_DOMAIN, AF_UNIX) || !socket_is(3, SO_TYPE, SOCK_STREAM) ||
        !socket_is(3, SO_ACCEPTCONN, 1))
        return ctl_fail("--serve systemd: expected one listening unix stream socket of the service manager");
    fd_set_nonblocking(3);
    *listener = 3;
    return 0;
}

int metrics_serve(const struct ctl_options *o)
{
    static struct server server; /* its clients' requests are large for a stack, and there is one */
    int r;
    if (strcmp(o->serve, "systemd") == 0)
        r = socket_inherit(&server.listener);
    else if (strncmp(o->serve, "unix:", 5) == 0)
        r = socket_bind(o->serve + 5, &server.listener);
    else
        r = ctl_misuse("--serve: expected unix:PATH or systemd, got \"%s\"", o->serve);
    if (r)
        return r;
    server.options = o;
    for (size_t i = 0; i < SERVE_CLIENTS_MAX; i++)
        server.clients[i].fd = -1;
    return serve(&server);
}
