/*
 * A secret, in memory of its own pages: locked where the machine permits it, kept out of core dumps, wiped. It arrives through a descriptor and is
 * never an argument or in the environment, where other processes could read it.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct secret {
    uint8_t *page; /* NULL: none */
    size_t mapped;
    size_t size;
    bool locked; /* false: this machine does not let us, and the pages could reach swap */
};

/*
 * Reads all of the descriptor; one newline at its end is an editor's and is dropped. 0, -EFBIG over `limit` octets,
 * -ENODATA if nothing is left, or another -errno.
 */
int secret_read(int fd, size_t limit, struct secret *secret) MUST_USE;
struct sp_span secret_span(const struct secret *secret);
void secret_wipe(struct secret *secret);
