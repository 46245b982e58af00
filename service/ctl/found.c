/* JSON by jansson, as the commands use it. Allocation failures leave something out: whoever cares sees it missing. */
#include "ctl/found.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

json_t *found_text(struct sp_span text)
{
    char safe[4 * 512 + 1];
    size_t used = 0;
    json_t *value = json_stringn(text.data ? (const char *)text.data : "", text.size);
    if (value)
        return value;
    for (size_t i = 0; i < text.size && i < 512; i++) {
        bool plain = text.data[i] >= 0x20 && text.data[i] < 0x7f && text.data[i] != '\\';
        used += (size_t)snprintf(safe + used, sizeof safe - used, plain ? "%c" : "\\x%02x", text.data[i]);
    }
    return json_stringn(safe, used);
}

void found_set(json_t *into, const char *key, struct sp_span text)
{
    (void)json_object_set_new(into, key, found_text(text));
}

void found_set_string(json_t *into, const char *key, const char *text)
{
    found_set(into, key, sp_text(text));
}

void found_set_number(json_t *into, const char *key, int64_t number)
{
    (void)json_object_set_new(into, key, json_integer(number));
}

void found_set_bool(json_t *into, const char *key, bool value)
{
    (void)json_object_set_new(into, key, json_boolean(value));
}

void found_set_time(json_t *into, const char *key, int64_t seconds)
{
    char text[32];
    time_t at = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&at, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        found_set_string(into, key, text);
}

json_t *found_add_object(json_t *array)
{
    json_t *object = json_object();
    (void)json_array_append_new(array, object);
    return object;
}

json_t *found_make_array(json_t *into, const char *key)
{
    json_t *array = json_array();
    (void)json_object_set_new(into, key, array);
    return array;
}

json_t *found_make_object(json_t *into, const char *key)
{
    json_t *object = json_object();
    (void)json_object_set_new(into, key, object);
    return object;
}

void found_add_string(json_t *array, const char *text)
{
    (void)json_array_append_new(array, found_text(sp_text(text)));
}

void found_set_names(json_t *into, const char *key, struct sp_span list)
{
    json_t *names = found_make_array(into, key);
    while (list.size != 0)
        (void)json_array_append_new(names, found_text(sp_next_name(&list)));
}

const char *found_get(const json_t *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from, key));
    return text ? text : "";
}

int64_t found_number(const json_t *from, const char *key)
{
    return json_integer_value(json_object_get(from, key));
}

bool found_is(const json_t *from, const char *key)
{
    return json_is_true(json_object_get(from, key));
}

char *found_join(const json_t *array, const char *between)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < json_array_size(array); i++)
        fprintf(out, "%s%s", i == 0 ? "" : between, json_string_value(json_array_get(array, i)));
    fclose(out);
    return text;
}
