/* Readiness. Input: the monitor's sd_notify(3) datagrams. Output: the line on standard error that scripts wait for, and
 * the file of addresses. */
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

/* The socket is the monitor's and root's alone; whatever else it says is not for us. */
static int on_notify(void *context, uint32_t events)
{
    struct launch *l = context;
    char text[1024];
    (void)events;
    ssize_t size = recv(l->notify_fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    bool ready = strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1") != NULL;
    if (ready && !l->ready && !l->stopping) {
        l->ready = true;
        ready_say(l);
    }
    return 0;
}

int ready_watch(struct launch *l)
{
    return loop_add(l->loop, l->notify_fd, EPOLLIN, on_notify, l, NULL);
}
