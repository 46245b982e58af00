/*
 * The PIN, in memory of its own pages: locked, kept out of core dumps, wiped. It arrives as a descriptor and is never
 * an argument or in the environment, where other processes could read it.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define PIN_MAX 1024u /* octets */

struct pin {
    uint8_t *page; /* NULL: no PIN */
    size_t mapped;
    size_t size;
};

/*
 * Reads all of the descriptor; one newline at its end is an editor's and is dropped. 0, -EFBIG over PIN_MAX, -ENODATA
 * if nothing is left, -ENOMEM if the memory cannot be locked, or another -errno.
 */
int pin_read(int fd, struct pin *pin) MUST_USE;
struct sp_span pin_span(const struct pin *pin);
void pin_wipe(struct pin *pin);
