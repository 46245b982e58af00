/*
 * The runtime directory and its sockets. Input: the options. Output: one listening socket per service, which only the
 * monitor's user may connect to, the monitor's control socket, which is root's, and the datagram socket for readiness.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"

#include "launch/launch.h"

#define BACKLOG 16

static const char *const names[] = {
    [PROGRAM_SIGNER] = "signer.sock", [PROGRAM_WORKER] = "worker.sock", [PROGRAM_SESSION] = "session.sock"};

static int complain(const struct launch *l, const char *what, int r)
{
    launch_say("%s: %s: %s", l->runtime_dir, what, strerror(-r));
    return r;
}

/* Whoever may write into the directory could put a socket of his own there, and be given clients and user names. */
static int directory_check(const struct launch *l)
{
    struct stat st;
    if (fstat(l->runtime_fd, &st) < 0)
        return -errno;
    return st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -EPERM;
}

static int directory_open(struct launch *l)
{
    if (l->options.runtime_dir) {
        snprintf(l->runtime_dir, sizeof l->runtime_dir, "%s", l->options.runtime_dir);
        if (mkdir(l->runtime_dir, 0711) == 0)
            l->runtime_made = true;
        else if (errno != EEXIST)
            return -errno;
    } else {
        snprintf(l->runtime_dir, sizeof l->runtime_dir, "/run/sallyport-launch.XXXXXX");
        if (!mkdtemp(l->runtime_dir))
            return -errno;
        l->runtime_made = true;
    }
    /* What we have just made is no link; one that was there may be its administrator's. */
    l->runtime_fd =
        open(l->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (l->runtime_made ? O_NOFOLLOW : 0));
    if (l->runtime_fd < 0 || (l->runtime_made && fchmod(l->runtime_fd, 0711) < 0))
        return -errno;
    int r = directory_check(l);
    if (r)
        return r;
    return flock(l->runtime_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0; /* one launcher per directory */
}

/*
 * Bound by way of /proc, as a socket's path is short and the directory's may be long. The monitor finds it through its
 * working directory, so nobody needs to be able to search the directories above.
 */
static int socket_open(struct launch *l, const char *name, int type, const struct launch_ids *owner)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlinkat(l->runtime_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", l->runtime_fd, name);
    mode_t before = umask(0177); /* 0600 from birth */
    int r = bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ? -errno : 0;
    umask(before);
    if (r)
        return r;
    if (fchownat(l->runtime_fd, name, owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (type == SOCK_SEQPACKET && listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int runtime_share_control(const struct launch *l, const char *group)
{
    bool shared = strcasecmp(group, "none") != 0;
    const struct group *entry = shared ? getgrnam(group) : NULL;
    if (shared && !entry) {
        launch_say("ControlGroup: there is no group %s", group);
        return -ENOENT;
    }
    /* Narrow first: nobody has the old mode with the new group. */
    if (fchmodat(l->runtime_fd, RUNTIME_CONTROL, 0600, 0) < 0 ||
        fchownat(l->runtime_fd, RUNTIME_CONTROL, 0, entry ? entry->gr_gid : 0, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(l->runtime_fd, RUNTIME_CONTROL, shared ? 0660 : 0600, 0) < 0)
        return complain(l, RUNTIME_CONTROL, -errno);
    return 0;
}

int runtime_file(const struct launch *l, const char *name, const struct launch_ids *owner, mode_t mode,
                 struct sp_span contents)
{
    static const char fresh[] = "new";
    if (unlinkat(l->runtime_fd, fresh, 0) < 0 && errno != ENOENT)
        return -errno;
    CLEANUP_CLOSE int fd = openat(l->runtime_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, contents);
    if (r)
        return r;
    if (fchown(fd, owner->uid, owner->gid) < 0 || fchmod(fd, mode) < 0)
        return -errno;
    return renameat(l->runtime_fd, fresh, l->runtime_fd, name) < 0 ? -errno : 0;
}

int runtime_directory(struct launch *l)
{
    int r = directory_open(l);
    if (r == -EWOULDBLOCK) {
        launch_say("%s: in use by another sallyport-launch", l->runtime_dir);
        l->runtime_made = false;
        return r;
    }
    return r ? complain(l, "cannot use it as runtime directory (root's, writable for nobody else)", r) : 0;
}

int runtime_open(struct launch *l)
{
    const struct launch_ids *monitor = &l->ids[USER_MONITOR], *root = &l->ids[USER_ROOT];
    int r = runtime_directory(l);
    if (r)
        return r;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        int fd = socket_open(l, names[i], SOCK_SEQPACKET, monitor);
        if (fd < 0)
            return complain(l, names[i], fd);
        l->programs[i].socket = fd;
    }
    l->control_fd = socket_open(l, RUNTIME_CONTROL, SOCK_SEQPACKET, root);
    if (l->control_fd < 0)
        return complain(l, RUNTIME_CONTROL, l->control_fd);
    l->notify_fd = socket_open(l, RUNTIME_NOTIFY, SOCK_DGRAM, monitor);
    return l->notify_fd < 0 ? complain(l, RUNTIME_NOTIFY, l->notify_fd) : 0;
}

void runtime_close(struct launch *l)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        cleanup_close(&l->programs[i].socket);
        if (l->programs[i].socket >= 0)
            (void)unlinkat(l->runtime_fd, names[i], 0);
    }
    if (l->control_fd >= 0) {
        close(l->control_fd);
        (void)unlinkat(l->runtime_fd, RUNTIME_CONTROL, 0);
    }
    if (l->notify_fd >= 0) {
        close(l->notify_fd);
        (void)unlinkat(l->runtime_fd, RUNTIME_NOTIFY, 0);
        (void)unlinkat(l->runtime_fd, RUNTIME_SNAPSHOT, 0);
        (void)unlinkat(l->runtime_fd, RUNTIME_REFUSED, 0);
    }
    cleanup_close(&l->runtime_fd);
    if (l->runtime_made)
        (void)rmdir(l->runtime_dir);
}

static int state_make(const char *path, const struct launch_ids *signer)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || fchown(fd, signer->uid, signer->gid) < 0 ? -errno : 0;
}

/* Made as an installed system has it. One that is there already is left as its administrator made it. */
int state_open(const struct launch *l)
{
    const char *path = l->options.state_dir;
    int r = state_make(path, &l->ids[USER_SIGNER]);
    if (r)
        launch_say("%s: cannot make the signer's directory: %s", path, strerror(-r));
    return r;
}
