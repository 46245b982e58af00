/* Events on their way to the monitor. Input: what the program says. Output: `event` messages, or standard error. */
#include "ipc/log.h"

#include <stdarg.h>
#include <stdio.h>

#include <sallyport/wire.h>

/* There is nobody who would escape it. One line, whatever a peer has put into it. */
static void log_print(const struct log *log, char *text)
{
    for (char *c = text; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    fprintf(stderr, "%s: %s\n", log->program ? log->program : "sallyport", text);
}

void log_event(struct log *log, enum log_level level, const char *name, const struct log_field *fields,
               size_t field_count, const char *format, ...)
{
    char text[LOG_TEXT_MAX];
    uint8_t packed[4096];
    struct sp_out out = {.data = packed, .capacity = sizeof packed};
    va_list args;

    if (log->level != 0 && level > log->level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!log->link || !link_is_open(log->link)) {
        log_print(log, text);
        return;
    }
    for (size_t i = 0; i < field_count; i++) {
        sp_put_text(&out, fields[i].key);
        sp_put_string(&out, fields[i].value);
    }
    struct sp_span sent = out.full ? (struct sp_span){0} : sp_written(&out);
    if (link_send(log->link, event, .level = (uint8_t)level, .name = sp_text(name), .text = sp_text(text),
                  .fields = sent))
        log_print(log, text);
}
