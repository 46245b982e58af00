/* The service manager's datagram socket. Input: the environment. Output: lines. */
#include "base/manager.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    errno = 0;
    unsigned long long value = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    return value != 0 && errno == 0 && *end == 0 ? value : 0;
}

/* WATCHDOG_PID names the process that is watched: a child that inherits the variables is not. */
static uint64_t watchdog_interval_ms(void)
{
    uint64_t pid = number_of("WATCHDOG_PID"), period_us = number_of("WATCHDOG_USEC");
    if (pid != 0 && pid != (uint64_t)getpid())
        return 0;
    return period_us == 0 ? 0 : period_us < 2000 ? 1 : period_us / 2000;
}

/* A path, or '@' and a name without one. */
static int socket_open(const char *where)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(where);
    if (size < 2 || (where[0] != '/' && where[0] != '@'))
        return -EINVAL;
    if (size >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, where, size);
    if (where[0] == '@')
        to.sun_path[0] = 0;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int manager_open(struct manager *manager)
{
    const char *where = getenv("NOTIFY_SOCKET");
    int fd = where ? socket_open(where) : -1;
    *manager = (struct manager){.fd = fd, .watchdog_ms = fd >= 0 ? watchdog_interval_ms() : 0};
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (!where || fd >= 0)
        return 0;
    manager->fd = -1;
    return fd;
}

void manager_say(const struct manager *manager, const char *lines)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)lines, .iov_len = strlen(lines)};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (manager->fd >= 0)
        (void)sendmsg(manager->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void manager_close(struct manager *manager)
{
    if (manager->fd >= 0)
        close(manager->fd);
    manager->fd = -1;
}
