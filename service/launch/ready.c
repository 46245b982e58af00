/* What the monitor says. Input: its sd_notify(3) datagrams. Output: the line on standard error that scripts wait for, the
 * file of addresses, and what is kept for the next monitor. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "launch/launch.h"

#define ADDRESS_MAX 128

/* Made new, by whatever name: in a directory that others may write to, a link would have root write elsewhere. */
static FILE *file_new(const char *path)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

/* One address per line; renamed into place, so that it is whole when it is there. */
static int ready_file_write(const struct launch *l)
{
    char fresh[PATH_MAX], address[ADDRESS_MAX];
    struct stat st;
    if (lstat(l->options.ready_file, &st) == 0 && !S_ISREG(st.st_mode))
        return -ENOTSUP; /* /dev/null, say: a rename would put a file in its place */
    int size = snprintf(fresh, sizeof fresh, "%s.new", l->options.ready_file);
    if (size < 0 || (size_t)size >= sizeof fresh)
        return -ENAMETOOLONG;
    FILE *file = file_new(fresh);
    if (!file)
        return -errno;
    for (size_t i = 0; i < l->network.count; i++) {
        listen_text(l->network.fds[i], address, sizeof address);
        fprintf(file, "%s\n", address);
    }
    if (fclose(file) != 0)
        return -errno;
    return rename(fresh, l->options.ready_file) < 0 ? -errno : 0;
}

static void ready_say(struct launch *l)
{
    char line[LISTEN_SOCKETS_MAX * ADDRESS_MAX], address[ADDRESS_MAX];
    size_t used = 0;
    line[0] = '\0';
    for (size_t i = 0; i < l->network.count; i++) {
        listen_text(l->network.fds[i], address, sizeof address);
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? ", " : "", address);
    }
    int r = l->options.ready_file ? ready_file_write(l) : 0;
    if (r)
        launch_say("%s: %s", l->options.ready_file, strerror(-r));
    launch_say("ready on %s", line);
}

/* ---- datagrams --------------------------------------------------------------------------------------------- */

#define DATAGRAMS_PER_TURN 64
#define DATAGRAM_FDS_MAX 16

struct datagram {
    char text[1024];
    int fds[DATAGRAM_FDS_MAX]; /* owned; -1: taken */
    size_t fd_count;
    struct ucred from; /* as the kernel says; {0}: it does not */
};

static void datagram_close(struct datagram *d)
{
    for (size_t i = 0; i < d->fd_count; i++)
        cleanup_close(&d->fds[i]);
}

static void control_read(struct msghdr *header, struct datagram *d)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        size_t size = c->cmsg_len - CMSG_LEN(0);
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_CREDENTIALS && size == sizeof d->from)
            memcpy(&d->from, CMSG_DATA(c), sizeof d->from);
        if (c->cmsg_type != SCM_RIGHTS)
            continue;
        d->fd_count = size / sizeof(int); /* no more than there was room for */
        memcpy(d->fds, CMSG_DATA(c), d->fd_count * sizeof(int));
    }
}

/* False when there is none. */
static bool datagram_receive(int fd, struct datagram *d)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(DATAGRAM_FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {.iov_base = d->text, .iov_len = sizeof d->text - 1};
    struct msghdr header = {.msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return false;
    control_read(&header, d);
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        size = 0; /* not of this monitor's making */
    d->text[size] = '\0';
    return true;
}

/* "KEY=value", one to a line. */
static bool line_find(const char *text, const char *key, char *value, size_t room)
{
    size_t size = strlen(key);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, size) != 0 || at[size] != '=')
            continue;
        size_t length = strcspn(at + size + 1, "\n");
        if (length >= room)
            return false;
        memcpy(value, at + size + 1, length);
        value[length] = '\0';
        return true;
    }
    return false;
}

static bool says(const char *text, const char *key)
{
    char value[8];
    return line_find(text, key, value, sizeof value) && strcmp(value, "1") == 0;
}

/*
 * What the monitor has kept here comes back to a monitor alone, and connections of users hang on it: so nothing is taken but from
 * the process that we have started as the monitor, and the kernel says who sent it.
 */
static bool is_monitor(const struct launch *l, const struct ucred *from)
{
    return from->pid != 0 && from->pid == l->programs[PROGRAM_MONITOR].pid &&
           (from->uid == l->ids[USER_MONITOR].uid || from->uid == 0);
}

static void store_serve(struct launch *l, struct datagram *d)
{
    char name[FDSTORE_NAME_MAX] = "stored"; /* systemd's name for what has none */
    bool named = strstr(d->text, "FDNAME=") != NULL;
    if (named && !line_find(d->text, "FDNAME", name, sizeof name))
        return;
    if (says(d->text, "FDSTOREREMOVE") && named)
        fdstore_remove(&l->store, name);
    for (size_t i = 0; says(d->text, "FDSTORE") && i < d->fd_count; i++)
        fdstore_add(&l->store, name, TAKE_FD(d->fds[i]));
}

static bool datagram_serve(struct launch *l)
{
    CLEANUP(datagram_close) struct datagram d = {0};
    if (!datagram_receive(l->notify_fd, &d))
        return false;
    if (!is_monitor(l, &d.from))
        return true;
    store_serve(l, &d);
    if (says(d.text, "READY") && !l->ready && !l->stopping) {
        l->ready = true;
        ready_say(l);
    }
    return true;
}

static int on_notify(void *context, uint32_t events)
{
    (void)events;
    for (int i = 0; i < DATAGRAMS_PER_TURN && datagram_serve(context); i++)
        ;
    return 0;
}

void ready_drain(struct launch *l)
{
    while (datagram_serve(l))
        ;
}

int ready_watch(struct launch *l)
{
    static const int on = 1;
    if (setsockopt(l->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return -errno;
    return loop_add(l->loop, l->notify_fd, EPOLLIN, on_notify, l, NULL);
}
