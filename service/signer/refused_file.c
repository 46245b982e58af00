/*
 * The file of refused PINs, and the lock beside it. Input: a directory that may be somebody else's. Output: entries; a new
 * file in the old one's place. What is opened is judged by its descriptor, and changed by it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/fd.h"
#include "base/loop.h"
#include "signer/refused.h"

#define FILE_NAME "refused-pins"
#define FRESH_NAME FILE_NAME ".new"
#define LOCK_NAME FILE_NAME ".lock"
#define LOCK_TRY_US 5000u
#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* The directory, and whose it is. */
struct place {
    int fd;
    struct stat st;
};

static void place_leave(struct place *place)
{
    if (place->fd >= 0)
        close(place->fd);
}

static int place_enter(const struct refused_pins *refused, struct place *place)
{
    place->fd = open(refused->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->fd < 0 || fstat(place->fd, &place->st) < 0 ? -errno : 0;
}

/* A pipe would keep root waiting, a second name would have it change a file elsewhere. */
static int file_judge(int fd, const struct place *place)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    bool is_ours = st.st_uid == 0 || st.st_uid == geteuid() || st.st_uid == place->st.st_uid;
    return S_ISREG(st.st_mode) && st.st_nlink == 1 && is_ours ? 0 : -EPERM;
}

/* Root that looks after a token leaves the signer its files. */
static int file_give(int fd, const struct place *place)
{
    if (geteuid() != 0)
        return 0;
    return fchown(fd, place->st.st_uid, place->st.st_gid) < 0 ? -errno : 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* -ENOENT: there is none. */
static int file_read(const struct place *place, struct refused_entry entries[REFUSED_MAX], size_t *count)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    CLEANUP_CLOSE int fd = openat(place->fd, FILE_NAME, O_RDONLY | OPEN_FLAGS);
    if (fd < 0)
        return errno == ELOOP ? -EPERM : -errno;
    int r = file_judge(fd, place);
    if (r == 0)
        r = fd_read_all(fd, REFUSED_FILE_MAX, &data, &size);
    return r ? r : refused_parse(sp_span_of(data, size), entries, count);
}

static void entry_append(struct refused_pins *refused, const struct refused_entry *entry)
{
    if (refused->count == REFUSED_MAX)
        memmove(&refused->entries[0], &refused->entries[1], (--refused->count) * sizeof refused->entries[0]);
    refused->entries[refused->count++] = *entry;
}

/* The file's, and behind them what could not be written yet. */
static int entries_merge(struct refused_pins *refused, const struct place *place)
{
    CLEANUP_FREE struct refused_pins *before = malloc(sizeof *before);
    size_t count = 0;
    if (!before)
        return -ENOMEM;
    *before = *refused;
    int r = file_read(place, refused->entries, &count);
    if (r && r != -ENOENT)
        return r;
    refused->count = count;
    for (size_t i = 0; i < before->count; i++)
        if (!before->entries[i].is_written)
            entry_append(refused, &before->entries[i]);
    return 0;
}

int refused_load(struct refused_pins *refused)
{
    CLEANUP(place_leave) struct place place = {.fd = -1};
    if (!refused->path[0])
        return 0;
    int r = place_enter(refused, &place);
    return r ? r : entries_merge(refused, &place);
}

int refused_open(struct refused_pins *refused, const char *directory)
{
    struct stat st;
    *refused = (struct refused_pins){.digest = digest_find(sp_text("sha256"))};
    if (!refused->digest || refused->digest->size != REFUSED_HASH_SIZE)
        return -ENOENT;
    if (directory[0] == 0 || stat(directory, &st) < 0 || !S_ISDIR(st.st_mode))
        return 0;
    if (snprintf(refused->directory, sizeof refused->directory, "%s", directory) >=
            (int)sizeof refused->directory ||
        snprintf(refused->path, sizeof refused->path, "%s/" FILE_NAME, directory) >=
            (int)sizeof refused->path)
        return -ENAMETOOLONG;
    return refused_load(refused);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Two writers at a time would lose what one of them has recorded. A descriptor that holds the lock, or -errno. */
static int lock_take(const struct place *place)
{
    CLEANUP_CLOSE int fd = openat(place->fd, LOCK_NAME, O_RDWR | O_CREAT | OPEN_FLAGS, 0600);
    if (fd < 0)
        return errno == ELOOP ? -EPERM : -errno;
    int r = file_judge(fd, place);
    if (r == 0)
        r = file_give(fd, place);
    uint64_t until = clock_ms() + REFUSED_LOCK_MS;
    while (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK || clock_ms() >= until)
            r = -errno;
        else
            usleep(LOCK_TRY_US);
    }
    return r ? r : TAKE_FD(fd);
}

/* A new file, never one that stands there: that could be another's by a second name. */
static int file_write(const struct place *place, struct sp_span text)
{
    if (unlinkat(place->fd, FRESH_NAME, 0) < 0 && errno != ENOENT)
        return -errno;
    CLEANUP_CLOSE int fd = openat(place->fd, FRESH_NAME, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
    int r = fd < 0 ? -errno : fd_write_all(fd, text);
    if (r == 0)
        r = file_give(fd, place);
    if (r == 0 &&
        (fsync(fd) < 0 || renameat(place->fd, FRESH_NAME, place->fd, FILE_NAME) < 0 || fsync(place->fd) < 0))
        r = -errno;
    return r;
}

static int entries_write(struct refused_pins *refused, const struct place *place)
{
    CLEANUP_FREE uint8_t *text = malloc(REFUSED_FILE_MAX);
    struct sp_out out = {.data = text, .capacity = REFUSED_FILE_MAX};
    if (!text)
        return -ENOMEM;
    int r = refused_print(refused->entries, refused->count, &out) ? -EMSGSIZE
                                                                  : file_write(place, sp_written(&out));
    for (size_t i = 0; r == 0 && i < refused->count; i++)
        refused->entries[i].is_written = true;
    return r;
}

int refused_add(struct refused_pins *refused, const struct refused_entry *entry)
{
    CLEANUP(place_leave) struct place place = {.fd = -1};
    CLEANUP_CLOSE int lock = -1;
    entry_append(refused, entry);
    if (!refused->path[0])
        return 0;
    int r = place_enter(refused, &place);
    if (r)
        return r;
    lock = lock_take(&place);
    if (lock < 0)
        return lock;
    r = entries_merge(refused, &place);
    return r ? r : entries_write(refused, &place);
}
