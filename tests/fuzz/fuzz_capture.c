/*
 * Captured KEXINITs, descriptions of clients and lines of keys. Besides memory errors it looks for a capture whose lists
 * lie outside its payload, and for one that the server's own reader would not take.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/capture.h"
#include "ctl/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void capture_check(const struct capture *capture)
{
    struct kexinit again;
    require(capture->size <= sizeof capture->payload);
    require(kexinit_parse(sp_span_of(capture->payload, capture->size), &again) == 0);
    for (size_t i = 0; i < KEXINIT_LISTS; i++) {
        struct sp_span list = capture->kexinit.lists[i];
        require(sp_span_equal(list, again.lists[i]));
        require(list.size == 0 ||
                (list.data >= capture->payload && list.data + list.size <= capture->payload + capture->size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capture capture;
    struct sp_span file = sp_span_of(data, size);
    struct keys_line key;
    unsigned line;
    const char *why;
    if (capture_read(file, &capture, &line, &why) == 0)
        capture_check(&capture);
    if (capture_read_client(file, &capture, &line, &why) == 0)
        capture_check(&capture);
    if (keys_line_read(file, &key))
        require(key.type.size != 0 && key.base64.size != 0 && key.base64.data >= data &&
                key.comment.data + key.comment.size <= data + size);
    return 0;
}
