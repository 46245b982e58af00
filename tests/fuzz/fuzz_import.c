/*
 * A configuration of OpenSSH's, any octets: besides memory errors, that what is made of it is a configuration that this server
 * accepts, or that it is said to be none; never one that it only seems to accept.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ctl/config_import.h"
#include "ctl/found.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int ctl_fail(const char *format, ...)
{
    return CTL_FAILED;
}

int ctl_misuse(const char *format, ...)
{
    return CTL_USAGE;
}

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* Too many of something is the one thing that lines which are right may still come to together. */
static void accepted(char *text)
{
    static const char drop_ins[] = "\nInclude /etc/sallyport/conf.d/*.conf\n"; /* of the machine's own */
    char *include = strstr(text, drop_ins);
    require(include != NULL);
    include[1] = '#';
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {.text = ""};
    int r = config_source_parse("result", sp_text(text), &source, &error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, &config, &error);
    require(r == 0 || strstr(error.text, "at most"));
    config_free(config);
    config_source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct import import;
    struct config_source *source = NULL;
    struct config_error error;
    char *text = NULL;
    if (config_source_parse("sshd_config", sp_span_of(data, size), &source, &error) != 0)
        return 0;
    import = (struct import){.root = "/nonexistent", .file = "sshd_config", .found = json_object()};
    require(import.found && import_lines(&import, source) == 0);
    import_default_keys(&import);
    require(import.key_count != 0 && import_text(&import, &text) == 0);
    accepted(text);
    free(text);
    import_free(&import);
    json_decref(import.found);
    config_source_free(source);
    return 0;
}
