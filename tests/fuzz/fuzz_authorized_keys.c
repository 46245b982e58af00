/*
 * Lines of authorized_keys and their options: key_line_parse(), key_options_parse(), base64_decode(). Input: a file of
 * any content. What is parsed without error has to satisfy what its callers rely on.
 */
#include <assert.h>

#include <sallyport/wire.h>

#include "base/base64.h"
#include "session/asuser/key_line.h"
#include "session/asuser/key_options.h"
#include "session/restrictions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct sp_span inner, struct sp_span outer)
{
    return inner.size == 0 ||
           (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

static void options_try(struct sp_span text)
{
    static struct key_options options;
    uint8_t packed[16384];
    char why[128] = "";
    struct sp_out out = {.data = packed, .capacity = sizeof packed};
    struct restrictions restrictions = {0};
    if (key_options_parse(text, &options, why, sizeof why)) {
        assert(why[0]);
        return;
    }
    if (key_options_pack(&options, &out) == 0) {
        int r = restrictions_merge(&restrictions, sp_written(&out));
        assert(r == 0 || r == RESTRICTIONS_E_REFUSED); /* a NUL in a value is no text */
    }
    restrictions_free(&restrictions);
}

static void line_try(struct sp_span text)
{
    struct key_line line;
    uint8_t blob[4096];
    struct sp_out out = {.data = blob, .capacity = sizeof blob};
    if (key_line_parse(text, &line))
        return;
    assert(lies_within(line.options, text) && lies_within(line.type, text) && lies_within(line.base64, text));
    (void)!base64_decode(line.base64, &out);
    options_try(line.options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span rest = sp_span_of(data, size);
    options_try(rest);
    while (rest.size != 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t length = end ? (size_t)(end - rest.data) : rest.size;
        line_try(sp_span_of(rest.data, length));
        rest.data += length + (end ? 1 : 0);
        rest.size -= length + (end ? 1 : 0);
    }
    return 0;
}
