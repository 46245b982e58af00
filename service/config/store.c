/*
 * Puts values into struct config and takes them out again. Input: a checked struct value or an option's default.
 * Output: the field at the option's offset, which owns its memory.
 */
#include "config/values.h"

#include <errno.h>

static void list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

static int list_add(struct config_list *list, struct sp_span item)
{
    char **items = reallocarray(list->items, list->count + 1, sizeof *items);
    if (!items)
        return -ENOMEM;
    list->items = items;
    char *copy = strndup((const char *)item.data, item.size);
    if (!copy)
        return -ENOMEM;
    list->items[list->count++] = copy;
    return 0;
}

static int store_list(struct config_list *list, const struct value *value, bool append)
{
    if (!append)
        list_clear(list);
    for (size_t i = 0; i < value->count; i++) {
        if (list->count == VALUE_LIST_MAX)
            return CONFIG_E_INVALID;
        int result = list_add(list, sp_text(value->items[i]));
        if (result != 0)
            return result;
    }
    return 0;
}

static int store_text(char **field, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

int value_store(const struct option *option, const struct value *value, bool append, struct config *config)
{
    void *field = option_field(option, config);
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)field = value->number != 0;
        return 0;
    case OPTION_NUMBER:
    case OPTION_SECONDS:
        *(uint32_t *)field = value->number;
        return 0;
    case OPTION_LIST:
    case OPTION_REPEAT:
    case OPTION_LINES:
        return store_list(field, value, append);
    case OPTION_WORD:
    case OPTION_CHOICE:
    case OPTION_REST:
    case OPTION_NAMES:
        return store_text(field, value->items[0]);
    case OPTION_SPECIAL:
        break;
    }
    return -EINVAL;
}

static bool is_list(const struct option *option)
{
    return option->kind == OPTION_LIST || option->kind == OPTION_REPEAT || option->kind == OPTION_LINES;
}

static int store_default_list(const struct option *option, struct config_list *list)
{
    const char *text = option->text;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        int result = list_add(list, sp_span_of(text, size));
        if (result != 0)
            return result;
        text += size + strspn(text + size, " ");
    }
    return 0;
}

int value_store_default(const struct option *option, struct config *config)
{
    if (is_list(option))
        return store_default_list(option, option_field(option, config));
    struct value value = {.number = option->number, .items = &option->text, .count = 1};
    return value_store(option, &value, false, config);
}

void value_free(const struct option *option, struct config *config)
{
    if (is_list(option))
        list_clear(option_field(option, config));
    else if (option->kind == OPTION_WORD || option->kind == OPTION_CHOICE || option->kind == OPTION_REST ||
             option->kind == OPTION_NAMES)
        free(*(char **)option_field(option, config));
}
