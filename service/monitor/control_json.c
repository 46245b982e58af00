/* JSON for the control socket. Allocation failures leave something out: whoever cares sees it missing. */
#include "monitor/control_answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <sallyport/wire.h>

int control_unanswered(char why[CONTROL_WHY_MAX], const char *text)
{
    snprintf(why, CONTROL_WHY_MAX, "%s", text);
    return CONTROL_E_UNANSWERED;
}

void put_text(json_t *into, const char *key, struct sp_span text)
{
    char hex[2 * 256 + 1];
    json_t *value = json_stringn(text.data ? (const char *)text.data : "", text.size);
    if (!value) {
        size_t size = size_min(text.size, 256);
        for (size_t i = 0; i < size; i++)
            snprintf(hex + 2 * i, 3, "%02x", text.data[i]);
        value = json_sprintf("hex:%.*s", (int)(2 * size), hex);
    }
    (void)json_object_set_new(into, key, value);
}

void put_string(json_t *into, const char *key, const char *text)
{
    put_text(into, key, sp_text(text ? text : ""));
}

void put_number(json_t *into, const char *key, uint64_t number)
{
    (void)json_object_set_new(into, key, json_integer((json_int_t)number));
}

/* As the log writes them. */
void put_id(json_t *into, const char *key, uint64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    put_string(into, key, text);
}

void put_time(json_t *into, const char *key, int64_t seconds)
{
    char text[32];
    time_t at = (time_t)seconds;
    struct tm parts;
    if (seconds > 0 && gmtime_r(&at, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        put_string(into, key, text);
}

json_t *names_list(struct sp_span names)
{
    json_t *list = json_array();
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        (void)json_array_append_new(list, json_stringn((const char *)name.data, name.size));
    }
    return list;
}
