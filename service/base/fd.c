/* Descriptor helpers. Everything made here is close-on-exec from birth. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void flag_change(int fd, int get, int set, int bit, bool on)
{
    int flags = fcntl(fd, get);
    if (flags >= 0)
        (void)fcntl(fd, set, on ? flags | bit : flags & ~bit);
}

void fd_set_nonblocking(int fd)
{
    flag_change(fd, F_GETFL, F_SETFL, O_NONBLOCK, true);
}

void fd_set_blocking(int fd)
{
    flag_change(fd, F_GETFL, F_SETFL, O_NONBLOCK, false);
}

void fd_set_cloexec(int fd)
{
    flag_change(fd, F_GETFD, F_SETFD, FD_CLOEXEC, true);
}

int fd_duplicate(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

int fd_write_all(int fd, struct sp_span bytes)
{
    while (bytes.size != 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
    return 0;
}

int fd_sealed(const char *name, struct sp_span contents)
{
    CLEANUP_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, contents);
    if (r)
        return r;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int fd_sealed_map(int fd, size_t limit, struct sp_span *contents)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0)
        return -errno;
    if ((seals & SEALS) != SEALS)
        return -EPERM; /* the sender could still change it under our eyes */
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size <= 0 || (uint64_t)st.st_size > limit)
        return -EFBIG;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    *contents = sp_span_of(map, (size_t)st.st_size);
    return 0;
}

void fd_sealed_unmap(struct sp_span contents)
{
    if (contents.data)
        munmap((void *)(uintptr_t)contents.data, contents.size);
}

int fd_read_all(int fd, size_t limit, uint8_t **data, size_t *size)
{
    size_t capacity = 4096, used = 0;
    CLEANUP_FREE uint8_t *buffer = malloc(capacity + 1);
    for (;;) {
        if (!buffer)
            return -ENOMEM;
        ssize_t n = read(fd, buffer + used, capacity - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        used += (size_t)n;
        if (used > limit)
            return -EFBIG;
        if (n == 0)
            break;
        if (used < capacity)
            continue;
        capacity *= 2;
        uint8_t *larger = realloc(buffer, capacity + 1);
        if (!larger)
            return -ENOMEM;
        buffer = larger;
    }
    buffer[used] = 0;
    *data = TAKE(buffer);
    *size = used;
    return 0;
}

int fd_send(int socket_fd, struct sp_span bytes, const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(FD_SEND_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.size};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_count > FD_SEND_MAX)
        return -EINVAL;
    if (fd_count != 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
    }
    return sendmsg(socket_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* LISTEN_FDNAMES, cut at its colons; one pointer for each descriptor. */
static struct {
    char *text;
    const char **at;
    long count;
} listen_names;

static void listen_names_take(const char *names, long count)
{
    long n = 0;
    free(listen_names.text);
    free(listen_names.at);
    listen_names.text = names && count > 0 ? strdup(names) : NULL;
    listen_names.at = listen_names.text ? calloc((size_t)count, sizeof *listen_names.at) : NULL;
    char *rest = listen_names.text;
    while (listen_names.at && rest && n < count)
        listen_names.at[n++] = strsep(&rest, ":");
    listen_names.count = n;
}

int fd_listen_count(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    long n = pid && count && strtol(pid, NULL, 10) == (long)getpid() ? strtol(count, NULL, 10) : 0;
    if (n < 0 || n > FD_LISTEN_MAX)
        n = 0;
    listen_names_take(getenv("LISTEN_FDNAMES"), n);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int fd = 3; fd < 3 + (int)n; fd++)
        fd_set_cloexec(fd);
    return (int)n;
}

const char *fd_listen_name(int fd)
{
    return fd >= 3 && fd - 3 < listen_names.count ? listen_names.at[fd - 3] : "";
}
