/* The PIN's memory. Input: the descriptor that the spawner opened. Output: a span for the provider's login. */
#include "token/pin.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int pin_map(struct pin *pin)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    while (size < PIN_MAX + 1)
        size *= 2;
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    *pin = (struct pin){.page = page, .mapped = size};
    if (mlock(page, size) < 0)
        return -errno;
    (void)madvise(page, size, MADV_DONTDUMP);
    return 0;
}

static int pin_fill(int fd, struct pin *pin)
{
    while (pin->size <= PIN_MAX) {
        ssize_t n = read(fd, pin->page + pin->size, PIN_MAX + 1 - pin->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        pin->size += (size_t)n;
    }
    if (pin->size > PIN_MAX)
        return -EFBIG;
    if (pin->size != 0 && pin->page[pin->size - 1] == '\n')
        pin->size--;
    return pin->size == 0 ? -ENODATA : 0;
}

int pin_read(int fd, struct pin *pin)
{
    struct pin made = {0};
    int r = pin_map(&made);
    if (r == 0)
        r = pin_fill(fd, &made);
    if (r)
        pin_wipe(&made);
    else
        *pin = made;
    return r;
}

struct sp_span pin_span(const struct pin *pin)
{
    return sp_span_of(pin->page, pin->size);
}

void pin_wipe(struct pin *pin)
{
    if (!pin->page)
        return;
    explicit_bzero(pin->page, pin->mapped);
    munmap(pin->page, pin->mapped);
    *pin = (struct pin){0};
}
