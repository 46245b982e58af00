/*
 * OpenMetrics. Input: families with samples; label values may hold anything that a token calls itself. Output: text, by
 * the rules of https://prometheus.io/docs/specs/om/open_metrics_spec/: HELP, TYPE and UNIT first, then the samples of the
 * family, "# EOF" at the end.
 */
#include "ctl/openmetrics.h"

#include <string.h>

/* Backslash, quotation mark and line's end are escaped; what else controls a terminal is left out. */
static void text_write(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n')
            fputs("\\n", out);
        else if (c == '\\' || c == '"')
            fprintf(out, "\\%c", c);
        else if (c >= 0x20 && c != 0x7f)
            fputc(c, out);
    }
}

static void head_write(FILE *out, const json_t *family)
{
    const char *name = found_get(family, "name"), *unit = found_get(family, "unit");
    fprintf(out, "# HELP %s ", name);
    text_write(out, found_get(family, "help"));
    fprintf(out, "\n# TYPE %s %s\n", name, found_get(family, "type"));
    if (*unit)
        fprintf(out, "# UNIT %s %s\n", name, unit);
}

/* le: a bucket's bound, or NULL. */
static void labels_write(FILE *out, const json_t *labels, const char *le)
{
    const char *name;
    json_t *value;
    bool any = false;
    if (json_object_size(labels) == 0 && !le)
        return;
    json_object_foreach((json_t *)(uintptr_t)labels, name, value)
    {
        fprintf(out, "%s%s=\"", any ? "," : "{", name);
        text_write(out, json_string_value(value));
        fputc('"', out);
        any = true;
    }
    if (le)
        fprintf(out, "%sle=\"%s\"", any ? "," : "{", le);
    fputc('}', out);
}

/* A float as other programs write it: 0.25, 1.0. */
static const char *seconds_text(int64_t us, char out[32])
{
    snprintf(out, 32, "%.9g", (double)us / 1e6);
    if (!strpbrk(out, ".e"))
        strcat(out, ".0"); /* at most nine digits and a sign stand there */
    return out;
}

static void number_write(FILE *out, const char *name, const char *suffix, const json_t *labels,
                         const char *le, int64_t number)
{
    fprintf(out, "%s%s", name, suffix);
    labels_write(out, labels, le);
    fprintf(out, " %lld\n", (long long)number);
}

static void histogram_write(FILE *out, const char *name, const json_t *sample)
{
    const json_t *labels = json_object_get(sample, "labels"), *buckets = json_object_get(sample, "buckets");
    char text[32];
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *pair = json_array_get(buckets, i);
        number_write(out, name, "_bucket", labels,
                     seconds_text(json_integer_value(json_array_get(pair, 0)), text),
                     json_integer_value(json_array_get(pair, 1)));
    }
    number_write(out, name, "_bucket", labels, "+Inf", found_number(sample, "count"));
    number_write(out, name, "_count", labels, NULL, found_number(sample, "count"));
    fprintf(out, "%s_sum", name);
    labels_write(out, labels, NULL);
    fprintf(out, " %s\n", seconds_text(found_number(sample, "sum_us"), text));
}

static void family_write(FILE *out, const json_t *family)
{
    const char *name = found_get(family, "name"), *type = found_get(family, "type");
    const json_t *samples = json_object_get(family, "samples");
    const char *suffix = strcmp(type, "counter") == 0 ? "_total" : strcmp(type, "info") == 0 ? "_info" : "";
    head_write(out, family);
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        if (strcmp(type, "histogram") == 0)
            histogram_write(out, name, sample);
        else
            number_write(out, name, suffix, json_object_get(sample, "labels"), NULL,
                         found_number(sample, "value"));
    }
}

void openmetrics_write(const json_t *found, FILE *out)
{
    const json_t *families = json_object_get(found, "families");
    for (size_t i = 0; i < json_array_size(families); i++)
        family_write(out, json_array_get(families, i));
    fputs("# EOF\n", out);
}
