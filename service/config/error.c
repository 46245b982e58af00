/*
 * Words errors of the configuration. Input: a place and what was expected there, which may quote the file. Output: one
 * printable line in struct config_error.
 */
#include "config/error.h"

#include <stdarg.h>
#include <stdio.h>

static size_t put_place(char *text, size_t size, const struct config_place *place)
{
    int used = place->line != 0 ? snprintf(text, size, "%s line %u: ", place->file, place->line)
                                : snprintf(text, size, "%s: ", place->file);
    return used < 0 ? 0 : size_min((size_t)used, size - 1);
}

/* The text quotes files that anybody may have written, and goes to terminals. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

int config_complain(struct config_error *error, const struct config_place *place, const char *format, ...)
{
    struct config_error made = {0};
    size_t used = place ? put_place(made.text, sizeof made.text, place) : 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(made.text + used, sizeof made.text - used, format, args);
    va_end(args);
    make_printable(made.text);
    *error = made;
    return CONFIG_E_INVALID;
}
