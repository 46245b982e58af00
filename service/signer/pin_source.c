/* Opening PINs. Input: a source as the configuration names it. Output: locked memory. */
#include "signer/pin_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "signer/plan.h"

struct reader {
    const char *source;
    char *why;
    size_t why_size;
};

static PRINTF_LIKE(2, 3) int refuse(struct reader *r, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(r->why, r->why_size, "the PIN in %s: %s", r->source, what);
    return PIN_SOURCE_E_REFUSED;
}

static int path_make(struct reader *r, const char *credentials, char path[PATH_MAX], bool *is_credential)
{
    const char *rest = strchr(r->source, ':') + 1;
    *is_credential = r->source[0] == 'c';
    if (*is_credential && (!credentials || credentials[0] != '/'))
        return refuse(r, "this service was given no credentials (LoadCredential= in its unit)");
    int n = *is_credential ? snprintf(path, PATH_MAX, "%s/%s", credentials, rest)
                           : snprintf(path, PATH_MAX, "%s", rest);
    return n < 0 || n >= PATH_MAX ? refuse(r, "its path is too long") : 0;
}

static int file_check(struct reader *r, int fd, bool is_credential)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return refuse(r, "it is no regular file");
    if (is_credential)
        return 0;
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return refuse(r, "it must belong to root or to uid %u", geteuid());
    if ((st.st_mode & S_IRWXO) || (st.st_mode & (S_IWGRP | S_IXGRP)) ||
        ((st.st_mode & S_IRGRP) && st.st_gid != getegid() && st.st_gid != 0))
        return refuse(r, "others than uid %u could read or change it: chmod 0400 and chown %u it", geteuid(),
                      geteuid());
    return 0;
}

static int contents_read(struct reader *r, int fd, struct secret *pin)
{
    int e = secret_read(fd, PIN_MAX, pin);
    if (e == -ENODATA)
        return refuse(r, "it is empty");
    if (e == -EFBIG)
        return refuse(r, "it is longer than %u octets", PIN_MAX);
    return e ? refuse(r, "reading it: %s", strerror(-e)) : 0;
}

int pin_source_read(const char *source, const char *credentials, struct secret *pin, char *why,
                    size_t why_size)
{
    char path[PATH_MAX];
    bool is_credential;
    struct reader reader = {.source = source, .why = why, .why_size = why_size};
    if (!pin_source_is_valid(source))
        return refuse(&reader, "it must be file:/PATH or credential:NAME");
    int r = path_make(&reader, credentials, path, &is_credential);
    if (r)
        return r;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(&reader, "%s (the signer reads it as uid %u)", strerror(errno), geteuid());
    r = file_check(&reader, fd, is_credential);
    return r ? r : contents_read(&reader, fd, pin);
}
