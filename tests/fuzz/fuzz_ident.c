/*
 * Identification lines of a hostile client. Besides memory errors it looks for a line that is not what RFC 4253 section
 * 4.2 permits, and for a decision that changes when more octets come.
 */
#include <stdint.h>
#include <stdlib.h>

#include "worker/ident.h"
#include "worker/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void line_check(const uint8_t *data, size_t size, struct sp_span line, size_t used)
{
    require(line.data == data && line.size < used && used <= size && used <= IDENT_MAX);
    require(line.size > 8 && memcmp(line.data, "SSH-", 4) == 0 && data[used - 1] == '\n');
    for (size_t i = 0; i < line.size; i++)
        require(line.data[i] >= 0x20 && line.data[i] <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span line;
    size_t used;
    int before = IDENT_E_MORE;
    for (size_t have = 0; have <= size && have <= IDENT_MAX + 2; have++) {
        int r = ident_parse(sp_span_of(data, have), &line, &used);
        require(before == IDENT_E_MORE || r == before);
        if (r == 0)
            line_check(data, have, line, used);
        before = r;
    }
    require(size < IDENT_MAX || before != IDENT_E_MORE);
    return 0;
}
