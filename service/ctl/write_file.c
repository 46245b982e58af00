/* Writing files. Input: text that a command has made. Output: a file that is there in full or not at all. */
#include "ctl/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "ctl/ctl.h"

#define MODE_OF_NEW_FILES 0644

static int fresh_write(const char *fresh, mode_t mode, struct sp_span contents)
{
    CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, contents);
    return r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0) ? -errno : r;
}

/* Root may have named a device or a link, such as /dev/null or /dev/stdout: a rename would put a file in its place. What is
 * replaced stays as readable as it was, and no more. */
static bool may_replace(const char *path, mode_t *mode)
{
    struct stat st;
    *mode = MODE_OF_NEW_FILES;
    if (lstat(path, &st) < 0)
        return errno == ENOENT;
    *mode = st.st_mode & 0777;
    return S_ISREG(st.st_mode);
}

int write_file(const char *path, struct sp_span contents)
{
    char fresh[PATH_MAX];
    mode_t mode;
    if (!may_replace(path, &mode))
        return ctl_fail("%s: expected a regular file to replace, or none", path);
    if (snprintf(fresh, sizeof fresh, "%s.new%d", path, (int)getpid()) >= (int)sizeof fresh)
        return ctl_fail("%s: %s", path, strerror(ENAMETOOLONG));
    int r = fresh_write(fresh, mode, contents);
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    if (r != -EEXIST)
        unlink(fresh);
    return ctl_fail("%s: %s", path, strerror(-r));
}

int write_new_file(const char *path, struct sp_span contents)
{
    int r = fresh_write(path, MODE_OF_NEW_FILES, contents);
    if (r == 0)
        return 0;
    if (r == -EEXIST)
        return ctl_fail("%s is there already, and stays as it is; --force replaces it", path);
    unlink(path);
    return ctl_fail("%s: %s", path, strerror(-r));
}

int write_directory(const char *path)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    return ctl_fail("%s: %s", path, strerror(errno));
}
