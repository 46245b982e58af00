/*
 * The file with the HostKey lines, any octets, and a step: what is taken is taken again afterwards, with the step done,
 * and every line that the step is not about is still there.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl/host_key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static int edit(struct sp_span text, enum host_key_step step, const char *uri, char **edited)
{
    char why[2048] = "";
    json_t *found = json_object();
    *edited = NULL;
    int r = host_key_file_edit("f", text, step, uri, found, edited, why, sizeof why);
    require(r == 0 || r == HOST_KEY_FILE_E_INVALID);
    require((r == 0) == (*edited != NULL) && (r == 0) == (why[0] == 0));
    json_decref(found);
    return r;
}

/* The first octet says which step; the URI is one that no corpus has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char uri[] = "pkcs11:object=of-the-fuzzer";
    char *staged, *back, *edited;
    if (size == 0 || size > HOST_KEY_FILE_MAX)
        return 0;
    struct sp_span text = sp_span_of(data + 1, size - 1);
    if (edit(text, data[0] % 2 ? HOST_KEY_SWITCH : HOST_KEY_RETIRE, data[0] % 2 ? NULL : uri, &edited) == 0)
        require(strlen(edited) <= size + HOST_KEY_URI_MAX + 64);
    free(edited);
    if (edit(text, HOST_KEY_STAGE, uri, &staged) == 0) {
        require(edit(sp_text(staged), HOST_KEY_STAGE, uri, &back) == HOST_KEY_FILE_E_INVALID);
        if (edit(sp_text(staged), HOST_KEY_RETIRE, uri, &back) == 0) {
            bool ended = text.size == 0 || text.data[text.size - 1] == '\n';
            require(strlen(back) == text.size + (ended ? 0 : 1));
            require(text.size == 0 || memcmp(back, text.data, text.size) == 0);
        }
        free(back);
    }
    free(staged);
    return 0;
}
