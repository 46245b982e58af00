/*
 * Lines and heads of the chain of signatures, any octets: besides memory errors, that what was accepted has one spelling,
 * octet by octet.
 */
#include <stdlib.h>
#include <string.h>

#include "ipc/signature_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signature_record record;
    struct signature_head head;
    char line[SIGNATURE_RECORD_MAX], text[SIGNATURE_HEAD_MAX];
    if (signature_record_read(sp_span_of(data, size), &record)) {
        require(signature_record_write(&record, line) == size);
        require(memcmp(line, data, size) == 0);
    }
    if (signature_head_read(sp_span_of(data, size), &head)) {
        require(signature_head_write(&head, text) == size);
        require(memcmp(text, data, size) == 0);
    }
    return 0;
}
