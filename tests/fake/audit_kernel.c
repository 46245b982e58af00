/*
 * The kernel's end of audit, in the address space of whoever writes records: libaudit's own netlink messages end up in a file,
 * in the form in which auditd writes them, and are acknowledged; or refused, if there is a file `refuse` beside it. So tests
 * see what libaudit makes of our words, without touching the machine's audit. Loaded by /etc/ld.so.preload of a test's world.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "/run/sallyport-test/audit"
#define SLOTS 16

static struct {
    int ours; /* what libaudit has; 0: free */
    int kernel;
} slots[SLOTS];

static int slot_of(int fd)
{
    for (int i = 0; i < SLOTS; i++)
        if (fd > 0 && slots[i].ours == fd)
            return i;
    return -1;
}

/* The function that ours stands in front of. */
static void *next(const char *name, void **found)
{
    if (!*found)
        *found = dlsym(RTLD_NEXT, name);
    if (!*found)
        abort();
    return *found;
}

int socket(int domain, int type, int protocol)
{
    static void *found;
    int pair[2];
    if (domain != AF_NETLINK || protocol != NETLINK_AUDIT)
        return ((int (*)(int, int, int))next("socket", &found))(domain, type, protocol);
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].ours != 0)
            continue;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
            return -1;
        slots[i].ours = pair[0];
        slots[i].kernel = pair[1];
        return pair[0];
    }
    errno = EMFILE;
    return -1;
}

int close(int fd)
{
    static void *found;
    int (*closes)(int) = (int (*)(int))next("close", &found);
    int slot = slot_of(fd);
    if (slot >= 0) {
        (void)closes(slots[slot].kernel);
        slots[slot].ours = 0;
    }
    return closes(fd);
}

/* What the kernel knows by itself of a process. */
static unsigned number_in(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT32_MAX;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    return got > 0 ? (unsigned)strtoul(text, NULL, 10) : UINT32_MAX;
}

static void record_write(int type, const char *text)
{
    char line[10000];
    uint32_t serial = 0;
    struct timespec now;
    const char *(*name_of)(int) = (const char *(*)(int))dlsym(RTLD_DEFAULT, "audit_msg_type_to_name");
    const char *name = name_of ? name_of(type) : NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(&serial, 3, 0) != 3)
        abort();
    int size = snprintf(
        line, sizeof line, "type=%s msg=audit(%lld.%03ld:%u): pid=%ld uid=%u auid=%u ses=%u msg='%s'\n",
        name ? name : "UNKNOWN", (long long)now.tv_sec, now.tv_nsec / 1000000, serial, (long)getpid(),
        (unsigned)getuid(), number_in("/proc/self/loginuid"), number_in("/proc/self/sessionid"), text);
    int fd = open(DIRECTORY "/log", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || size < 0 || write(fd, line, (size_t)size) != size)
        abort();
    close(fd);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    static void *found;
    int slot = slot_of(fd);
    if (slot < 0)
        return ((ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))next(
            "sendto", &found))(fd, data, size, flags, to, to_size);
    const struct nlmsghdr *request = data;
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } ack = {.head = {.nlmsg_len = sizeof ack, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = request->nlmsg_seq}};
    char text[9000];
    size_t length = request->nlmsg_len - NLMSG_HDRLEN;
    if (access(DIRECTORY "/refuse", F_OK) == 0)
        ack.error.error = -EPERM;
    else if (length < sizeof text) {
        memcpy(text, NLMSG_DATA(request), length);
        text[length] = '\0';
        record_write(request->nlmsg_type, text);
    }
    ack.error.msg = *request;
    return send(slots[slot].kernel, &ack, sizeof ack, 0) < 0 ? -1 : (ssize_t)size;
}

static ssize_t receive(int fd, void *data, size_t size, int flags, struct sockaddr *from,
                       socklen_t *from_size)
{
    static void *found;
    if (slot_of(fd) < 0)
        return ((ssize_t(*)(int, void *, size_t, int, struct sockaddr *, socklen_t *))next(
            "recvfrom", &found))(fd, data, size, flags, from, from_size);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (from && from_size && *from_size >= sizeof kernel) {
        memcpy(from, &kernel, sizeof kernel);
        *from_size = sizeof kernel;
    }
    return recv(fd, data, size, flags);
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
    return receive(fd, data, size, flags, from, from_size);
}

/* What programs call that were built with checks of sizes. */
ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *from,
                       socklen_t *from_size);
ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *from,
                       socklen_t *from_size)
{
    return receive(fd, data, size < room ? size : room, flags, from, from_size);
}
