/* The files of the chain. Input: records from the signer. Output: lines, and how far they have come. */
#include "signer/chain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <sallyport/registry.h>

#include "base/fd.h"

#define FILE_MODE 0640
#define FILE_READ_MAX (1024u * 1024u * 1024u + SIGNATURE_RECORD_MAX)
#define FULL_NAME SIGNATURE_LOG_NAME ".%020" PRIu64
#define FULL_NAME_SIZE (sizeof SIGNATURE_LOG_NAME + 32u)
#define SAME_NAME_MAX 999u /* files that are put aside behind the same record */
#define HEAD_FRESH SIGNATURE_HEAD_NAME ".new"

void chain_init(struct chain *chain, const char *directory)
{
    *chain = (struct chain){.directory_fd = -1, .fd = -1, .sha256 = digest_find(sp_text("sha256"))};
    snprintf(chain->directory, sizeof chain->directory, "%s", directory);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static int head_write(const struct chain *chain)
{
    char text[SIGNATURE_HEAD_MAX];
    size_t size = signature_head_write(&chain->head, text);
    CLEANUP_CLOSE int fd = openat(chain->directory_fd, HEAD_FRESH,
                                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, sp_span_of(text, size));
    if (r)
        return r;
    if (fsync(fd) < 0 ||
        renameat(chain->directory_fd, HEAD_FRESH, chain->directory_fd, SIGNATURE_HEAD_NAME) < 0)
        return -errno;
    return fsync(chain->directory_fd) < 0 ? -errno : 0;
}

/* 0, -ENOENT: there is none, or another -errno. */
static int head_read(const struct chain *chain, struct signature_head *head)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    CLEANUP_CLOSE int fd =
        openat(chain->directory_fd, SIGNATURE_HEAD_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int r = fd_read_all(fd, SIGNATURE_HEAD_MAX, &data, &size);
    if (r == 0 && !signature_head_read(sp_span_of(data, size), head))
        r = -EBADMSG;
    return r;
}

/* The records first: a head must never be ahead of them. */
int chain_sync(struct chain *chain)
{
    if (!chain->is_dirty)
        return 0;
    int r = fdatasync(chain->fd) < 0 ? -errno : head_write(chain);
    chain->is_dirty = r != 0;
    return r;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

/* A file of the chain, as it was found. */
struct found {
    struct signature_head last; /* its last record; number 0: it has none */
    uint64_t whole;             /* octets up to the end of its last line */
    bool is_damaged;
    bool has_head;            /* the record that the head names, as it names it */
    bool is_behind_full_file; /* the file before it ends with that record */
};

static int line_check(const struct chain *chain, struct sp_span line, const struct signature_head *head,
                      struct found *found)
{
    struct signature_record record;
    bool is_first = found->last.number == 0;
    if (!signature_record_read(line, &record) ||
        (!is_first && (record.number != found->last.number + 1 ||
                       memcmp(record.previous, found->last.hash, SIGNATURE_HASH_SIZE) != 0))) {
        found->is_damaged = true;
        return 0;
    }
    found->last.number = record.number;
    int r = signature_record_hash(chain->sha256, line, found->last.hash);
    if (record.number == head->number && memcmp(found->last.hash, head->hash, SIGNATURE_HASH_SIZE) == 0)
        found->has_head = true;
    return r;
}

static int file_check(const struct chain *chain, const struct signature_head *head, struct found *found)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size, at = 0;
    CLEANUP_CLOSE int fd = openat(chain->directory_fd, SIGNATURE_LOG_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *found = (struct found){.whole = 0};
    int r = fd < 0 ? -errno : fd_read_all(fd, FILE_READ_MAX, &data, &size);
    while (r == 0 && !found->is_damaged) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        if (!end)
            break;
        r = line_check(chain, sp_span_of(data + at, (size_t)(end - data) - at), head, found);
        at = (size_t)(end - data) + 1;
        found->whole = at;
    }
    return r;
}

/* ---- files that are full ----------------------------------------------------------------------------------------- */

static int is_full_file(const struct dirent *entry)
{
    return signature_file_is_aside(entry->d_name);
}

/* The oldest make way, and that is said. */
static int full_files_thin(const struct chain *chain, char *why, size_t why_size)
{
    struct dirent **entries = NULL;
    int count = scandirat(chain->directory_fd, ".", &entries, is_full_file, alphasort);
    int r = count < 0 ? -errno : 0;
    for (int i = 0; i < count; i++) {
        if (r == 0 && i + (int)SIGNATURE_FILES_MAX < count) {
            r = unlinkat(chain->directory_fd, entries[i]->d_name, 0) < 0 ? -errno : 0;
            snprintf(why, why_size, "%s/%s was removed: no more than %u full files are kept",
                     chain->directory, entries[i]->d_name, SIGNATURE_FILES_MAX);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int file_put_aside(const struct chain *chain, uint64_t number)
{
    char name[FULL_NAME_SIZE];
    size_t size = (size_t)snprintf(name, sizeof name, FULL_NAME, number);
    /* Never over another one: who has taken the head away would have us do that, and damage right behind a full file has its
     * number too. */
    for (unsigned i = 1;
         renameat2(chain->directory_fd, SIGNATURE_LOG_NAME, chain->directory_fd, name, RENAME_NOREPLACE) < 0;
         i++) {
        if (errno != EEXIST || i > SAME_NAME_MAX)
            return -errno;
        snprintf(name + size, sizeof name - size, ".%03u", i);
    }
    return 0;
}

/* The last line of a file, of which `text` is the end. Empty: it has none. */
static struct sp_span last_line(struct sp_span text)
{
    if (text.size == 0 || text.data[text.size - 1] != '\n')
        return sp_span_of(NULL, 0);
    text.size--;
    const uint8_t *before = memrchr(text.data, '\n', text.size);
    size_t start = before ? (size_t)(before - text.data) + 1 : 0;
    return sp_span_of(text.data + start, text.size - start);
}

/* Whether the full file is there that ends with the record that the head names. 0, *ends set, or -errno. */
static int full_file_ends_with(const struct chain *chain, const struct signature_head *head, bool *ends)
{
    char name[FULL_NAME_SIZE];
    uint8_t text[2 * SIGNATURE_RECORD_MAX], hash[SIGNATURE_HASH_SIZE];
    struct stat st;
    *ends = false;
    snprintf(name, sizeof name, FULL_NAME, head->number);
    CLEANUP_CLOSE int fd = openat(chain->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    off_t start = st.st_size > (off_t)sizeof text ? st.st_size - (off_t)sizeof text : 0;
    ssize_t size = pread(fd, text, sizeof text, start);
    if (size < 0)
        return -errno;
    struct sp_span line = last_line(sp_span_of(text, (size_t)size));
    int r = line.size ? signature_record_hash(chain->sha256, line, hash) : 0;
    *ends = r == 0 && line.size != 0 && memcmp(hash, head->hash, sizeof hash) == 0;
    return r;
}

static int file_open(struct chain *chain)
{
    int fd = openat(chain->directory_fd, SIGNATURE_LOG_NAME,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    struct stat st;
    if (fd < 0 || fchmod(fd, FILE_MODE) < 0 || fstat(fd, &st) < 0) {
        int r = -errno;
        close_one(&fd);
        return r;
    }
    chain->fd = fd;
    chain->size = (uint64_t)st.st_size;
    return 0;
}

static int rotate(struct chain *chain, char *why, size_t why_size)
{
    int r = chain_sync(chain);
    if (r == 0)
        r = file_put_aside(chain, chain->head.number);
    if (r)
        return r;
    close_one(&chain->fd);
    r = file_open(chain);
    if (r) {
        close_one(&chain->directory_fd); /* opened again with the next record */
        return r;
    }
    return full_files_thin(chain, why, why_size);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* A record that was being written when the machine stopped was never anybody's last word. */
static int tail_cut(struct chain *chain, uint64_t whole)
{
    if (chain->size == whole)
        return 0;
    if (ftruncate(chain->fd, (off_t)whole) < 0)
        return -errno;
    chain->size = whole;
    return 0;
}

/* What is wrong with what was found, or NULL. */
static const char *damage_of(bool has_head, const struct signature_head *head, const struct found *found)
{
    if (found->is_damaged)
        return "a record was altered, removed or put in";
    if (found->last.number == 0) /* rightly so if its predecessor was full, or if it is the first */
        return found->is_behind_full_file || head->number == 0
                   ? NULL
                   : "it was emptied or removed, with all records behind the last full file";
    if (!has_head)
        return "the head is missing; the chain goes on behind the last record";
    if (found->last.number < head->number)
        return "records at the end were cut off";
    return found->has_head ? NULL : "its records are not those that the head was written for";
}

/*
 * Goes on behind the last record, which may be later than the head: that is written once in a second. What is damaged is
 * put aside, and the chain goes on behind the head.
 */
static int resume(struct chain *chain, bool has_head, const struct signature_head *head,
                  const struct found *found, char *why, size_t why_size)
{
    const char *damage = damage_of(has_head, head, found);
    bool goes_on = !damage || (!found->is_damaged && (!has_head || found->last.number == 0));
    chain->head = goes_on && found->last.number != 0 ? found->last : has_head ? *head : found->last;
    if (damage)
        snprintf(why, why_size, "%s/" SIGNATURE_LOG_NAME ": %s", chain->directory, damage);
    if (!goes_on) {
        int r = file_put_aside(chain, chain->head.number);
        if (r)
            return r;
    }
    int r = file_open(chain);
    return r ? r : goes_on ? tail_cut(chain, found->whole) : 0;
}

static int open_files(struct chain *chain, char *why, size_t why_size)
{
    struct signature_head head = {.number = 0};
    struct found found = {.whole = 0};
    int r = head_read(chain, &head);
    bool has_head = r == 0;
    if (r && r != -ENOENT)
        return r;
    r = file_check(chain, &head, &found);
    if (r == -ENOENT || (r == 0 && found.last.number == 0))
        r = full_file_ends_with(chain, &head, &found.is_behind_full_file);
    if (r)
        return r;
    return resume(chain, has_head, &head, &found, why, why_size);
}

static int chain_open(struct chain *chain, char *why, size_t why_size)
{
    if (!chain->sha256)
        return -ENOENT;
    chain->directory_fd = open(chain->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (chain->directory_fd < 0)
        return -errno;
    int r = flock(chain->directory_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : open_files(chain, why, why_size);
    if (r) {
        close_one(&chain->fd);
        close_one(&chain->directory_fd);
    }
    return r;
}

/* ---- appending --------------------------------------------------------------------------------------------------- */

/* A line that does not fit is taken back: the next one must not begin in its middle. */
static int line_write(struct chain *chain, const char *line, size_t size)
{
    int r = fd_write_all(chain->fd, sp_span_of(line, size));
    if (r == 0) {
        chain->size += size;
        return 0;
    }
    if (ftruncate(chain->fd, (off_t)chain->size) < 0) {
        close_one(&chain->fd); /* opened again, and looked through, with the next record */
        close_one(&chain->directory_fd);
    }
    return r;
}

static int record_write(struct chain *chain, struct signature_record *record, char line[SIGNATURE_RECORD_MAX])
{
    char whole[SIGNATURE_RECORD_MAX + 1];
    uint8_t hash[SIGNATURE_HASH_SIZE];
    record->number = chain->head.number + 1;
    record->unrecorded = chain->unrecorded;
    memcpy(record->previous, chain->head.hash, SIGNATURE_HASH_SIZE);
    size_t size = signature_record_write(record, line);
    memcpy(whole, line, size);
    whole[size] = '\n';
    int r = signature_record_hash(chain->sha256, sp_span_of(line, size), hash);
    if (r == 0)
        r = line_write(chain, whole, size + 1);
    if (r)
        return r;
    chain->head.number = record->number;
    memcpy(chain->head.hash, hash, sizeof hash);
    chain->unrecorded = 0;
    chain->is_dirty = true;
    /* A chain without a head is one that has lost it: a new one has it from the beginning. */
    if (record->number == 1)
        (void)!chain_sync(chain);
    return 0;
}

enum chain_result chain_append(struct chain *chain, struct signature_record *record, uint64_t limit,
                               char line[SIGNATURE_RECORD_MAX], char *why, size_t why_size)
{
    bool is_new = chain->directory_fd < 0;
    why[0] = 0;
    int r = is_new ? chain_open(chain, why, why_size) : 0;
    bool is_broken = why[0] != 0;
    if (r == 0 && chain->size != 0 && chain->size + SIGNATURE_RECORD_MAX > limit)
        r = rotate(chain, why, why_size);
    if (r == 0)
        r = record_write(chain, record, line);
    if (r == 0)
        return is_broken ? CHAIN_BROKEN : why[0] ? CHAIN_NOTE : CHAIN_OK;
    chain->unrecorded++;
    snprintf(why, why_size, "%s: %s", chain->directory,
             r == -EBADMSG ? SIGNATURE_HEAD_NAME
                 " is damaged: see the tool's \"key log verify\", then move it away"
             : r == -EWOULDBLOCK ? "another signer is still writing there"
                                 : strerror(-r));
    return CHAIN_LOST;
}

void chain_close(struct chain *chain)
{
    if (chain->directory_fd >= 0)
        (void)!chain_sync(chain);
    close_one(&chain->fd);
    close_one(&chain->directory_fd);
}
