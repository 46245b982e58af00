/*
 * HostKey URIs, any octets: besides memory errors, that what was accepted has one spelling. The printed URI is accepted
 * again, means the same and is printed the same, and names a key.
 */
#include <stdlib.h>
#include <string.h>

#include "signer/plan.h"
#include "signer/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_accepted(const struct host_key_uri *uri)
{
    static struct host_key_uri again;
    char text[2 * URI_PART_MAX], twice[2 * URI_PART_MAX], error[256];
    require(uri->object[0] != 0);
    require(uri->module_path[0] == 0 || uri->module_path[0] == '/');
    require(host_key_uri_print(uri, text, sizeof text) == 0);
    if (strlen(text) > URI_TEXT_MAX) /* escapes may make it longer than what is read */
        return;
    require(host_key_uri_parse(sp_text(text), &again, error, sizeof error) == 0);
    require(strcmp(uri->token, again.token) == 0 && strcmp(uri->object, again.object) == 0);
    require(again.module_path[0] == 0 && again.pin_source[0] == 0);
    require(host_key_uri_print(&again, twice, sizeof twice) == 0 && strcmp(text, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct host_key_uri uri;
    char error[256] = "";
    int r = host_key_uri_parse(sp_span_of(data, size), &uri, error, sizeof error);
    require(r == 0 || r == URI_E_INVALID);
    require((error[0] != 0) == (r != 0));
    if (r == 0)
        check_accepted(&uri);
    char *text = malloc(size + 1); /* strndup() would look for an end behind the data where a sanitizer is strict */
    if (text) {
        memcpy(text, data, size);
        text[size] = '\0';
        (void)pin_source_is_valid(text);
        (void)environment_is_valid(text);
    }
    free(text);
    return 0;
}
