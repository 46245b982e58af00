/* Reading lists of keys, as the user. Input: a descriptor. Output: its lines. */
#include "session/asuser/key_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/asuser/key_line.h"

struct reader {
    key_file_line_fn on_line;
    void *context;
    unsigned line;
    size_t used;
    bool too_long;
    uint8_t text[KEY_LINE_MAX];
};

static int line_end(struct reader *reader)
{
    size_t size = reader->too_long ? 0 : reader->used;
    bool too_long = reader->too_long;
    reader->used = 0;
    reader->too_long = false;
    if (reader->line == KEY_FILE_LINES_MAX)
        return -EFBIG;
    return reader->on_line(reader->context, ++reader->line, sp_span_of(reader->text, size), too_long);
}

static int bytes_take(struct reader *reader, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int r = 0;
        if (bytes[i] == '\n')
            r = line_end(reader);
        else if (reader->used == sizeof reader->text)
            reader->too_long = true;
        else
            reader->text[reader->used++] = bytes[i];
        if (r)
            return r;
    }
    return 0;
}

int key_file_read(int fd, key_file_line_fn on_line, void *context)
{
    CLEANUP_FREE struct reader *reader = calloc(1, sizeof *reader);
    size_t total = 0;
    uint8_t bytes[8192];
    if (!reader)
        return -ENOMEM;
    reader->on_line = on_line;
    reader->context = context;
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        total += (size_t)n;
        int r = total > KEY_FILE_MAX ? -EFBIG : bytes_take(reader, bytes, (size_t)n);
        if (r)
            return r;
    }
    return reader->used || reader->too_long ? line_end(reader) : 0;
}
