/*
 * The file of refused PINs, any octets: it stands in a directory of the signer's, and root's tool reads it. Besides memory
 * errors, that what was accepted has one spelling, and that what was refused has changed nothing.
 */
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "signer/refused.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct refused_entry entries[REFUSED_MAX], before[REFUSED_MAX];
    static uint8_t text[REFUSED_FILE_MAX];
    struct sp_out out = {.data = text, .capacity = sizeof text};
    size_t count = 77;
    memcpy(before, entries, sizeof before);
    if (refused_parse(sp_span_of(data, size), entries, &count) != 0) {
        require(count == 77 && memcmp(before, entries, sizeof before) == 0);
        return 0;
    }
    require(count <= REFUSED_MAX && refused_print(entries, count, &out) == 0);
    require(out.size == size && memcmp(text, data, size) == 0);
    for (size_t i = 0; i < count; i++)
        require(!refused_tokens_differ(sp_text(entries[i].token), sp_text(entries[i].token)));
    return 0;
}
