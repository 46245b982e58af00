/* `sallyport metrics`: the server's figures, printed, written into a file, or served on a socket. */
#include "ctl/metrics_serve.h"
#include "ctl/openmetrics.h"
#include "ctl/question.h"
#include "ctl/status.h"
#include "ctl/write_file.h"

int metrics_find(const struct ctl_options *o, json_t *found)
{
    json_t *answer = NULL;
    workers_refresh(o, NULL);
    int r = question_ask(o, "metrics", "", &answer);
    if (r)
        return r;
    (void)json_object_update(found, answer);
    json_decref(answer);
    return CTL_OK;
}

void metrics_show(const struct ctl_options *o, const json_t *found)
{
    (void)o;
    openmetrics_write(found, stdout);
}

int metrics_text(const struct ctl_options *o, char **text, size_t *size)
{
    json_t *found = json_object();
    int r = found ? metrics_find(o, found) : ctl_fail("out of memory");
    *text = NULL;
    if (r == 0) {
        FILE *out = open_memstream(text, size);
        if (out)
            openmetrics_write(found, out);
        if (!out || fclose(out) != 0)
            r = ctl_fail("out of memory");
    }
    json_decref(found);
    return r;
}

/* For node_exporter's collector of text files, which reads whatever is there at any time: the file is replaced as a whole. */
static int output_write(const struct ctl_options *o)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    int r = metrics_text(o, &text, &size);
    return r ? r : write_file(o->output, sp_span_of((const uint8_t *)text, size));
}

int metrics_stream(const struct ctl_options *o)
{
    if (!o->output && !o->serve)
        return CTL_GO_ON;
    if (o->json || (o->output && o->serve))
        return ctl_misuse("expected one of --json, --output and --serve");
    return o->output ? output_write(o) : metrics_serve(o);
}
