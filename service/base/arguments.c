/* Arguments from a file. Input: what sallyport-launch --prepare has written. Output: an argument vector. */
#include "base/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

#define OPTION "--options-file"

static int file_check(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -EPERM;
}

static int file_read(const char *path, char **text, size_t *size)
{
    uint8_t *data = NULL;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int r = file_check(fd);
    if (r == 0)
        r = fd_read_all(fd, ARGUMENTS_FILE_MAX, &data, size);
    if (r == 0)
        *text = (char *)data;
    return r;
}

/* Cuts the text at its line ends: each line has one, none is empty, and nothing hides behind a NUL. */
static int lines_cut(char *text, size_t size, char **lines, size_t *count)
{
    size_t n = 0;
    if (memchr(text, 0, size))
        return -EINVAL;
    while (size != 0) {
        char *end = memchr(text, '\n', size);
        if (!end || end == text)
            return -EINVAL;
        if (n == ARGUMENTS_MAX)
            return -EFBIG;
        *end = 0;
        lines[n++] = text;
        size -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    *count = n;
    return 0;
}

int arguments_expand(int *argc, char ***argv)
{
    static char *made[ARGUMENTS_MAX * 2 + 1]; /* getopt(3) puts it in another order, and keeps pointers */
    static char *kept;
    char *text = NULL;
    size_t size, lines = 0;
    if (*argc < 3 || strcmp((*argv)[1], OPTION) != 0)
        return 0;
    size_t rest = (size_t)*argc - 3;
    int r = rest >= ARGUMENTS_MAX ? -EFBIG : file_read((*argv)[2], &text, &size);
    if (r == 0)
        r = lines_cut(text, size, made + 1, &lines);
    if (r) {
        free(text);
        return r;
    }
    free(kept);
    kept = text;
    made[0] = (*argv)[0];
    memcpy(made + 1 + lines, *argv + 3, rest * sizeof *made);
    made[1 + lines + rest] = NULL;
    *argc = (int)(1 + lines + rest);
    *argv = made;
    return 0;
}
