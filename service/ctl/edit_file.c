/* Changing a file. Input: its path, and what it is to hold. Output: the file, as it was or as it is to be. */
#include "ctl/edit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "ctl/ctl.h"

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int edit_file_open(struct edit_file *edit, const char *path, size_t limit)
{
    *edit = (struct edit_file){.fd = -1};
    if (snprintf(edit->path, sizeof edit->path, "%s", path) >= (int)sizeof edit->path)
        return ctl_fail("%s: %s", path, strerror(ENAMETOOLONG));
    edit->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (edit->fd < 0 || fstat(edit->fd, &edit->st) < 0)
        return ctl_fail("%s: %s", path, strerror(errno));
    if (!S_ISREG(edit->st.st_mode))
        return ctl_fail("%s: expected a regular file", path);
    if (flock(edit->fd, LOCK_EX | LOCK_NB) < 0)
        return ctl_fail("%s: %s", path,
                        errno == EWOULDBLOCK ? "somebody else is changing it" : strerror(errno));
    int r = fd_read_all(edit->fd, limit, &edit->text, &edit->size);
    return r ? ctl_fail("%s: %s", path, strerror(-r)) : 0;
}

void edit_file_close(struct edit_file *edit)
{
    if (edit->fd >= 0)
        close(edit->fd);
    free(edit->text);
    *edit = (struct edit_file){.fd = -1};
}

static int directory_sync(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    CLEANUP_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* A new file: its owner before its mode, which a change of owner could widen or narrow. */
static int fresh_write(const struct edit_file *edit, const char *fresh, struct sp_span text)
{
    CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    bool is_theirs = edit->st.st_uid != geteuid() || edit->st.st_gid != getegid();
    int r = fd_write_all(fd, text);
    if (r == 0 && ((is_theirs && fchown(fd, edit->st.st_uid, edit->st.st_gid) < 0) ||
                   fchmod(fd, edit->st.st_mode & 07777) < 0 || fsync(fd) < 0))
        r = -errno;
    return r;
}

int edit_file_beside(const struct edit_file *edit, const char *suffix, struct sp_span text,
                     char name[PATH_MAX])
{
    char fresh[PATH_MAX];
    struct stat st;
    if (snprintf(name, PATH_MAX, "%s%s", edit->path, suffix) >= PATH_MAX ||
        snprintf(fresh, sizeof fresh, "%s.new", name) >= (int)sizeof fresh)
        return ctl_fail("%s: %s", edit->path, strerror(ENAMETOOLONG));
    if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode))
        return ctl_fail("%s: expected a regular file to replace, or none", name);
    (void)unlink(fresh); /* of one that was stopped; nobody else is here while we have the lock */
    int r = fresh_write(edit, fresh, text);
    if (r == 0 && rename(fresh, name) < 0)
        r = -errno;
    if (r == 0)
        r = directory_sync(name);
    if (r == 0)
        return 0;
    (void)unlink(fresh);
    return ctl_fail("%s: %s", name, strerror(-r));
}

int edit_file_commit(const struct edit_file *edit, const char *name)
{
    struct stat now;
    if (lstat(edit->path, &now) < 0 || !is_same_file(&now, &edit->st))
        return ctl_fail("%s: somebody else has replaced it meanwhile; it is as they left it", edit->path);
    if (now.st_mtim.tv_sec != edit->st.st_mtim.tv_sec || now.st_mtim.tv_nsec != edit->st.st_mtim.tv_nsec ||
        now.st_size != edit->st.st_size)
        return ctl_fail("%s: somebody else has changed it meanwhile; it is as they left it", edit->path);
    int r = rename(name, edit->path) < 0 ? -errno : directory_sync(edit->path);
    return r ? ctl_fail("%s: %s", edit->path, strerror(-r)) : 0;
}
