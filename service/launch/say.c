/* What the launcher has to say. Output: standard error. */
#include <stdarg.h>
#include <stdio.h>

#include "launch/launch.h"

void launch_say(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "sallyport: %s\n", text);
}
