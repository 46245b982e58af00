/*
 * Requests to the exporter. Besides memory errors it looks for a decision that changes when more octets come.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/metrics_serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of its own, so that an octet too far is seen. */
static unsigned judge(const uint8_t *data, size_t size, bool *head_only)
{
    uint8_t *copy = malloc(size + (size == 0));
    if (!copy)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    unsigned status = serve_judge(sp_span_of(copy, size), head_only);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool head_only, head_only_whole;
    if (size > SERVE_HEAD_MAX)
        return 0;
    unsigned whole = judge(data, size, &head_only_whole);
    if (whole != 0 && whole != 200 && whole != 400 && whole != 404 && whole != 405)
        abort();
    for (size_t part = 0; part < size && size < 512; part++) {
        unsigned status = judge(data, part, &head_only);
        if (status != 0 && (status != whole || head_only != head_only_whole))
            abort();
    }
    return 0;
}
