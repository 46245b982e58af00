/* Memory for secrets. Input: a descriptor. Output: a span for whoever needs it, until it is wiped. */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int secret_map(size_t room, struct secret *secret)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    while (size < room)
        size *= 2;
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    *secret = (struct secret){.page = page, .mapped = size};
    /* Containers forbid it, and have no say about swap either: the holder is told, and may go on. */
    secret->locked = mlock(page, size) == 0;
    (void)madvise(page, size, MADV_DONTDUMP);
    return 0;
}

static int secret_fill(int fd, size_t limit, struct secret *secret)
{
    size_t room = limit + 2; /* a newline, and one octet more to see that it is too long */
    while (secret->size < room) {
        ssize_t n = read(fd, secret->page + secret->size, room - secret->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        secret->size += (size_t)n;
    }
    if (secret->size != 0 && secret->page[secret->size - 1] == '\n')
        secret->size--;
    if (secret->size > limit)
        return -EFBIG;
    return secret->size == 0 ? -ENODATA : 0;
}

int secret_read(int fd, size_t limit, struct secret *secret)
{
    struct secret made = {0};
    int r = secret_map(limit + 2, &made);
    if (r == 0)
        r = secret_fill(fd, limit, &made);
    if (r)
        secret_wipe(&made);
    else
        *secret = made;
    return r;
}

struct sp_span secret_span(const struct secret *secret)
{
    return sp_span_of(secret->page, secret->size);
}

void secret_wipe(struct secret *secret)
{
    if (!secret->page)
        return;
    explicit_bzero(secret->page, secret->mapped);
    munmap(secret->page, secret->mapped);
    *secret = (struct secret){0};
}
